"""The kinds of long work that the worker knows, by name."""

from collections.abc import Mapping

from coding.impact_services import PREVIEW_POLICY, run_preview
from coding.rate_services import CAPTURE_RATES, run_capture_rates
from coding.recapture_services import CAPTURE_AGAIN, LIST_RECAPTURE, run_capture_again, run_list
from portal.services.jobs import Work

KINDS: Mapping[str, Work] = {
    PREVIEW_POLICY: run_preview,
    LIST_RECAPTURE: run_list,
    CAPTURE_AGAIN: run_capture_again,
    CAPTURE_RATES: run_capture_rates,
}
