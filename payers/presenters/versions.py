"""A version of a policy beside any other version of it."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from payers.models import PolicyVersion
from payers.presenters.comparison import differences
from payers.presenters.examples import example_differences


def comparison_of(version: PolicyVersion, other: PolicyVersion | None) -> dict[str, Any]:
    """A version beside another of its policy, whichever came first, or beside nothing: what changed, group by group.

    Reads clauses and examples of both.
    """
    earlier, later = (version, other) if other and _order(other) > _order(version) else (other, version)
    changes = differences(earlier, later) + example_differences(earlier, later)
    return {
        "version": version,
        "payer": version.policy.payer,
        "before": earlier,
        "after": later,
        "changes": changes,
        "sentences": [change.sentence for change in changes if change.group == _("Terms")],
    }


def choices_beside(version: PolicyVersion, versions: Iterable[PolicyVersion]) -> list[tuple[int, str]]:
    """The other versions of the policy, newest first, each by its key, its name and its status."""
    others = sorted((other for other in versions if other.pk != version.pk), key=_order, reverse=True)
    return [(other.pk, f"{other.label} ({other.get_status_display()})") for other in others]


def _order(version: PolicyVersion) -> tuple[Any, int]:
    return version.effective_from, version.revision
