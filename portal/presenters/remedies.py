"""For each finding the act that clears it, where the person may take it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.models import TreatmentSession, User

Place = Callable[[TreatmentSession], str]


@dataclass(frozen=True, slots=True)
class Remedy:
    """The act that clears a finding, and where it is done. A hold's own page offers it in place where `act` is set."""

    label: str
    url: str
    act: str = ""


@dataclass(frozen=True, slots=True)
class Clearing:
    """One act: in words, who may take it, the form or page for it, and its name where a hold's page offers it."""

    label: Any
    permission: str
    place: Place
    act: str = ""


def _session(field: str = "") -> Place:
    anchor = f"#id_{field}" if field else ""
    return lambda session: reverse("session-amend", args=[session.pk]) + anchor


def _prescription(field: str) -> Place:
    """The form of what the session delivered; its course, where nobody said what that was."""

    def place(session: TreatmentSession) -> str:
        fraction = next(iter(session.delivered_fractions.all()), None)
        if fraction is None:
            return reverse("course-detail", args=[session.course_id])
        return reverse("prescription-amend", args=[fraction.prescription_id]) + f"#id_{field}"

    return place


def _diagnoses(session: TreatmentSession) -> str:
    return reverse("course-amend", args=[session.course_id]) + "#id_diagnoses"


def _coverage(session: TreatmentSession) -> str:
    return reverse("coverage-create", args=[session.course.patient_id])


def _authorization(session: TreatmentSession) -> str:
    return reverse("authorization-create", args=[session.course_id])


def _department(session: TreatmentSession) -> str:
    return reverse("department-amend", args=[session.department_id])


AMEND_SESSION, AMEND_PRESCRIPTION = "portal.change_treatmentsession", "portal.change_prescription"
ENTER_DIAGNOSES = Clearing(_("Amend the diagnoses"), "portal.change_course", _diagnoses, "diagnoses")
ENTER_AUTHORIZATION = Clearing(
    _("Enter an authorization"), "payers.add_authorization", _authorization, "authorization-new"
)
AMEND_AUTHORIZATION = Clearing(
    _("Amend the authorization"), "payers.change_authorization", _authorization, "authorization"
)
OPEN_POLICIES = Clearing(_("Open the policies"), "payers.change_policyversion", lambda _session: reverse("policy-list"))
AMEND_OTHER_CODES = Clearing(
    _("Amend the other codes of the day"), AMEND_SESSION, _session("other_codes_same_day"), "other-codes"
)
AMEND_TECHNIQUE = Clearing(_("Amend the technique"), AMEND_PRESCRIPTION, _prescription("technique"), "technique")
RECORD_PHYSICIAN = Clearing(_("Record the physician"), AMEND_SESSION, _session("physician"), "physician")

CLEARED_BY: dict[str, Clearing] = {
    # The session and its day
    "BID_GAP": Clearing(_("Correct the times"), AMEND_SESSION, _session("start"), "times"),
    "BID_NOT_ORDERED": Clearing(
        _("Amend the sessions a day"), AMEND_PRESCRIPTION, _prescription("sessions_a_day"), "sessions-a-day"
    ),
    "RECORD_MISSING": Clearing(
        _("Mark the treatment record as present"), AMEND_SESSION, _session("has_treatment_record"), "treatment-record"
    ),
    "FACT_MISSING": Clearing(_("Amend the session"), AMEND_SESSION, _session()),
    "PROVIDER_MISSING": RECORD_PHYSICIAN,
    "PARTIAL_REVIEW": Clearing(_("Correct how the session ended"), AMEND_SESSION, _session("completion"), "completion"),
    # Documentation
    "IMAGE_UNSIGNED": Clearing(
        _("Record the sign-off"), AMEND_SESSION, _session("image_review_signed_at"), "image-review"
    ),
    "RX_NOT_SIGNED": Clearing(
        _("Record the signature"), AMEND_PRESCRIPTION, _prescription("signed_at"), "prescription-signature"
    ),
    "PLAN_NOT_APPROVED": Clearing(
        _("Record the approval"), AMEND_PRESCRIPTION, _prescription("plan_approved_at"), "plan-approval"
    ),
    "LEVEL3_DOCUMENTATION": Clearing(
        _("Enter the motion documentation"),
        AMEND_PRESCRIPTION,
        _prescription("motion_documentation"),
        "motion-documentation",
    ),
    "COMPLEXITY_DOCUMENTATION": AMEND_TECHNIQUE,
    "SURFACE_ONLY_REVIEW": Clearing(_("Correct the guidance"), AMEND_SESSION, _session("guidance"), "guidance"),
    "SUPERVISION_UNDOCUMENTED": Clearing(
        _("Record who supervised"), AMEND_SESSION, _session("is_supervision_documented"), "supervision"
    ),
    # Who pays
    "COVERAGE_MISSING": Clearing(_("Enter the coverage"), "payers.add_coverage", _coverage, "coverage"),
    "LIABILITY_REVIEW": Clearing(
        _("Record the beneficiary notice"), AMEND_SESSION, _session("beneficiary_notice"), "notice"
    ),
    "PAYER_POLICY_REQUIRED": OPEN_POLICIES,
    "POLICY_OVERRIDE_APPROVAL": OPEN_POLICIES,
    "AUTH_MISSING": ENTER_AUTHORIZATION,
    "AUTH_EXPIRED": AMEND_AUTHORIZATION,
    "AUTH_UNITS_EXCEEDED": AMEND_AUTHORIZATION,
    "AUTH_CODE_MISMATCH": AMEND_AUTHORIZATION,
    # Counting and codes
    "OVER_PRESCRIPTION": Clearing(
        _("Amend the fractions"), AMEND_PRESCRIPTION, _prescription("fractions"), "fractions-prescribed"
    ),
    "FRACTION_SEQUENCE": Clearing(_("Correct the fraction number"), AMEND_SESSION, _session(), "fraction-number"),
    "NCCI_INDICATOR_0": AMEND_OTHER_CODES,
    "NCCI_PAIR_REVIEW": Clearing(
        _("Key the modifiers"), AMEND_SESSION, _session("requested_modifiers"), "keyed-modifiers"
    ),
    # Diagnoses
    "DX_MISSING": ENTER_DIAGNOSES,
    "DX_INVALID": ENTER_DIAGNOSES,
    "DX_CODE_SET_DATE": ENTER_DIAGNOSES,
    "DX_MALIGNANCY_MISSING": ENTER_DIAGNOSES,
    "DX_NOT_COVERED": ENTER_DIAGNOSES,
}
# Nothing in the portal clears these: somebody outside is asked, and the answer stands in the note of the release.
ASKED_OUTSIDE = {
    "TIMELY_FILING": _("Ask the payer for an exception, or find the proof that it was filed in time."),
    "PAYER_NOT_READY": _("Ask the payer whether it has loaded the codes of this date of service."),
    "MUE_EXCEEDED": _("Ask the payer whether it allows more units that day, or send the records with the claim."),
    "HELD_BY_HAND": _("Ask the person who placed it whether its reason is gone."),
}
ELSEWHERE = Clearing(_("Amend the session"), AMEND_SESSION, _session())

# What FACT_MISSING names, word by word, and where each fact is recorded.
MISSING_FACTS: tuple[tuple[str, Clearing], ...] = (
    ("setting", Clearing(_("Amend the department"), "portal.change_setup", _department)),
    ("claim forms", Clearing(_("Amend the department"), "portal.change_setup", _department)),
    ("kind of payer", Clearing(_("Amend the payer"), "portal.change_setup", lambda _session: reverse("payer-list"))),
    ("technique", AMEND_TECHNIQUE),
    ("isocenters", Clearing(_("Record the level's facts"), AMEND_SESSION, _session("isocenters"), "level")),
    ("motion", Clearing(_("Record the level's facts"), AMEND_SESSION, _session("motion_management"), "level")),
    ("guidance", Clearing(_("Record the guidance"), AMEND_SESSION, _session("guidance"), "guidance")),
    ("physician", Clearing(_("Record the physicians"), AMEND_SESSION, _session("physician"), "physicians")),
)
AMEND_ISOCENTERS = Clearing(_("Amend the isocenters"), AMEND_SESSION, _session("isocenters"), "isocenters")


def remedy_for(
    name: str, session: TreatmentSession, user: User, grounds: Iterable[Iterable[str]] = ()
) -> Remedy | None:
    """The act that clears the finding where the person may do it; most findings are cleared at the session.

    None where only somebody outside can be asked. `grounds` make it exact where one finding has several causes.
    """
    clearing = _clearing(name, user, grounds)
    return Remedy(str(clearing.label), clearing.place(session), clearing.act) if clearing else None


def _clearing(name: str, user: User, grounds: Iterable[Iterable[str]]) -> Clearing | None:
    if name in ASKED_OUTSIDE:
        return None
    clearing = _by_grounds(name, dict(grounds)) or CLEARED_BY.get(name, ELSEWHERE)
    return clearing if user.has_perm(clearing.permission) else None


def _by_grounds(name: str, grounds: dict[str, str]) -> Clearing | None:
    if name == "FACT_MISSING":
        facts = grounds.get("facts", "")
        return next((clearing for word, clearing in MISSING_FACTS if word in facts), None)
    if name == "LEVEL3_DOCUMENTATION" and grounds and "motion" not in grounds.get("grounds_of_level", ""):
        return AMEND_ISOCENTERS
    return None


def next_step(name: str, user: User, grounds: Iterable[Iterable[str]]) -> str:
    """What is to be done next for a finding, in a few words: the act that the person may take, or what others do."""
    clearing = _clearing(name, user, grounds)
    return str(clearing.label) if clearing else step_words(name)


def step_words(name: str) -> str:
    """The next step for holds of one reason, in a few words."""
    return str(ASKED_OUTSIDE.get(name) or CLEARED_BY.get(name, ELSEWHERE).label)
