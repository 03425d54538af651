"""For each finding the act that clears it, where the person may take it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from portal.models import TreatmentSession, User


@dataclass(frozen=True, slots=True)
class Remedy:
    """The act that clears a finding, and where it is done."""

    label: str
    url: str


def _session(session: TreatmentSession) -> Remedy:
    return Remedy("Amend the session", reverse("session-amend", args=[session.pk]))


def _prescription(session: TreatmentSession) -> Remedy:
    fraction = next(iter(session.delivered_fractions.all()), None)
    if fraction is None:
        return Remedy("Open the course", reverse("course-detail", args=[session.course_id]))
    return Remedy("Amend the prescription", reverse("prescription-amend", args=[fraction.prescription_id]))


def _course(session: TreatmentSession) -> Remedy:
    return Remedy("Amend the course", reverse("course-amend", args=[session.course_id]))


def _coverage(session: TreatmentSession) -> Remedy:
    return Remedy("Record a coverage", reverse("coverage-create", args=[session.course.patient_id]))


def _authorization(session: TreatmentSession) -> Remedy:
    return Remedy("Enter an authorization", reverse("authorization-create", args=[session.course_id]))


def _policy(session: TreatmentSession) -> Remedy:
    return Remedy("Open the policies", reverse("policy-list"))


Clearing = Callable[[TreatmentSession], Remedy]
CLEARED_BY: dict[str, tuple[str, Clearing]] = {
    "RX_NOT_SIGNED": ("portal.change_prescription", _prescription),
    "PLAN_NOT_APPROVED": ("portal.change_prescription", _prescription),
    "LEVEL3_DOCUMENTATION": ("portal.change_prescription", _prescription),
    "OVER_PRESCRIPTION": ("portal.change_prescription", _prescription),
    "BID_NOT_ORDERED": ("portal.change_prescription", _prescription),
    "COVERAGE_MISSING": ("payers.add_coverage", _coverage),
    "PAYER_POLICY_REQUIRED": ("payers.change_policyversion", _policy),
    "POLICY_OVERRIDE_APPROVAL": ("payers.change_policyversion", _policy),
    "PAYER_NOT_READY": ("payers.change_policyversion", _policy),
}
DIAGNOSES = ("DX_MISSING", "DX_INVALID", "DX_CODE_SET_DATE", "DX_MALIGNANCY_MISSING", "DX_NOT_COVERED")
AUTHORIZATIONS = ("AUTH_MISSING", "AUTH_UNITS_EXCEEDED", "AUTH_EXPIRED", "AUTH_CODE_MISMATCH")
CLEARED_BY |= dict.fromkeys(DIAGNOSES, ("portal.change_course", _course))
CLEARED_BY |= dict.fromkeys(AUTHORIZATIONS, ("payers.add_authorization", _authorization))


def remedy_for(name: str, session: TreatmentSession, user: User) -> Remedy | None:
    """The act that clears the finding where the person may do it; most findings are cleared at the session."""
    permission, clearing = CLEARED_BY.get(name, ("portal.change_treatmentsession", _session))
    return clearing(session) if user.has_perm(permission) else None
