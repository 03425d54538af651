"""Everything the engine may know of a session: plain values, shaped once at the border."""

from dataclasses import dataclass, field
from datetime import date

from coding.engine.vocabulary import (
    BeneficiaryNotice,
    ClaimForm,
    Completion,
    Guidance,
    Isocenters,
    MotionManagement,
    PayerKind,
    Setting,
    Technique,
)


@dataclass(frozen=True, slots=True)
class ChargedUnits:
    """Units of a code that an earlier session of the patient's day already carries on one claim form."""

    claim_form: ClaimForm
    code: str
    units: int


@dataclass(frozen=True, slots=True)
class EarlierSession:
    """A delivered session of the same patient earlier on the date of service.

    `minutes_before` runs from its start to this session's start; None where it is not known.
    `is_same_physician`: the responsible physician is the same as this session's; None where either is not known.
    `is_own_visit`: False where it was itself the continuation of a visit, and so has no line.
    `charged`: what its ruling charged; None stands for one unit of the code that this session gets.
    """

    minutes_before: int | None
    is_same_physician: bool | None = True
    is_own_visit: bool = True
    charged: tuple[ChargedUnits, ...] | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationFacts:
    """The payer's authorization that covers the session; empty fields mean that it sets no such limit.

    `codes`: codes it was given for. `units`: sessions it covers; `used`: sessions counted against it before this one.
    `starts_on` and `ends_on` are inclusive.
    """

    number: str = ""
    codes: tuple[str, ...] = ()
    units: int | None = None
    used: int = 0
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One treatment session on its patient's day, as `code_session` reads it.

    A fact that nobody recorded is None and becomes a hold in words (FACT_MISSING, COVERAGE_MISSING, PROVIDER_MISSING),
    never a default. `coded_on` is the day on which the coder works: it decides "in the future" and timely filing.
    `claim_forms` are the forms that the department (and who bills for it) sends for this session.
    `earlier_sessions` are in order of start, the latest last. `later_visits` counts the separate visits that follow on
    the same day: with two sessions billed as units, the day's line stands at the latest.
    `requested_code` ("77386", "77014") and `requested_modifiers` are what the coder keyed by hand.
    """

    date_of_service: date
    coded_on: date
    setting: Setting | None
    claim_forms: tuple[ClaimForm, ...]
    payer: str | None
    payer_kind: PayerKind | None
    technique: Technique | None
    isocenters: Isocenters | None = Isocenters.SINGLE
    motion_management: MotionManagement | None = MotionManagement.NONE
    guidance: Guidance | None = Guidance.NONE
    diagnoses: tuple[str, ...] = ()
    fraction_number: int | None = None
    prescribed_fractions: int | None = None
    last_charged_fraction: int | None = None
    completion: Completion = Completion.COMPLETE
    earlier_sessions: tuple[EarlierSession, ...] = ()
    later_visits: int = 0
    minutes_of_one_visit: int = 180
    is_twice_daily_ordered: bool = True
    requested_code: str = ""
    requested_modifiers: tuple[str, ...] = ()
    other_codes_same_day: tuple[str, ...] = ()
    authorization: AuthorizationFacts | None = field(default_factory=AuthorizationFacts)
    is_prescription_signed: bool = True
    is_plan_approved: bool = True
    has_treatment_record: bool = True
    is_image_review_signed: bool = True
    is_supervision_documented: bool = True
    is_motion_documented: bool = True
    beneficiary_notice: BeneficiaryNotice | None = None
    is_locum: bool = False
    has_resident: bool = False
    is_duplicate: bool = False
    has_rendering_provider: bool = True
    rendering_taxonomy: str = ""
