"""The kinds of long work that the worker knows, by name."""

from collections.abc import Mapping

from coding.impact_services import PREVIEW_POLICY, run_preview
from portal.services.jobs import Work

KINDS: Mapping[str, Work] = {PREVIEW_POLICY: run_preview}
