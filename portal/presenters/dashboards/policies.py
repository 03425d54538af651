"""What waits for an administrator of policies."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.shaping import is_review_overdue, last_reviewed_on
from payers.models import UNPUBLISHED, Payer, PolicyVersion, VersionStatus
from portal.forms.dashboards import DashboardForm
from portal.models import User


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy or payer that waits for an administrator."""

    label: str
    detail: str
    url: str


def policies_panel(form: DashboardForm) -> dict[str, Any]:
    """Versions to review, drafts, versions in force whose review is overdue, and payers without a version in force."""
    return {"rows": policies_that_wait(form.user, form.today)}


def policies_that_wait(user: User, today: date) -> list[PolicyRow]:
    """Versions to review, drafts, versions in force whose review is overdue, and payers without a version in force."""
    payers = (
        Payer.objects.filter(organization=user.organization_id, is_active=True)
        .select_related("policy")
        .order_by("name")
    )
    unpublished: dict[int, PolicyVersion] = {}
    in_force: dict[int, PolicyVersion] = {}
    versions = (
        PolicyVersion.objects.visible_to(user)
        .filter(Q(status__in=UNPUBLISHED) | Q(status=VersionStatus.PUBLISHED, effective_from__lte=today))
        .prefetch_related("clauses", "reviews")
        .annotate(payer=F("policy__payer"))
        .order_by("-effective_from", "-revision")
    )
    for version in versions:
        (unpublished if version.is_unpublished else in_force).setdefault(version.payer, version)
    rows = []
    for payer in payers:
        url = reverse("policy-detail", args=[payer.slug])
        begun, version = unpublished.get(payer.pk), in_force.get(payer.pk)
        if begun is not None:
            rows.append(_unpublished_row(payer, begun, user))
        if version is None:
            rows.append(PolicyRow(payer.name, _("No version in force: its sessions get no line"), url))
        elif is_review_overdue(version, today):
            detail = _("Compared with its sources last on %(day)s") % {
                "day": f"{last_reviewed_on(version, today):%m/%d/%Y}"
            }
            rows.append(PolicyRow(payer.name, detail, reverse("version-review", args=[version.pk])))
    return rows


def _unpublished_row(payer: Payer, version: PolicyVersion, user: User) -> PolicyRow:
    """A draft to go on with, or a version in review for those who may publish it."""
    day = {"day": f"{version.effective_from:%m/%d/%Y}"}
    if version.status == VersionStatus.DRAFT:
        return PolicyRow(payer.name, _("Draft from %(day)s") % day, reverse("version-detail", args=[version.pk]))
    if user.has_perm("payers.publish_policyversion"):
        return PolicyRow(payer.name, _("To review, from %(day)s") % day, reverse("version-publish", args=[version.pk]))
    return PolicyRow(payer.name, _("In review, from %(day)s") % day, reverse("version-detail", args=[version.pk]))
