"""The words that facts, terms, codebook and rulings share. Values are those of the coding cases and of the database."""

from enum import StrEnum


class Setting(StrEnum):
    """Where the session was delivered, as billing sees it on the date of service."""

    ON_CAMPUS = "hospital_on_campus"
    OFF_CAMPUS_EXCEPTED = "hospital_off_campus_excepted"
    OFF_CAMPUS_NONEXCEPTED = "hospital_off_campus_nonexcepted"
    FREESTANDING = "freestanding"
    INPATIENT = "inpatient"


class ClaimForm(StrEnum):
    """The claim a line stands on; a freestanding owner's claim carries both sides and is called global."""

    INSTITUTIONAL = "institutional"
    PROFESSIONAL = "professional"
    GLOBAL = "global"


class LineRole(StrEnum):
    """What a charge line pays for: delivering the session, or reviewing its image guidance."""

    DELIVERY = "delivery"
    GUIDANCE = "guidance"


class PayerKind(StrEnum):
    """The family of payers whose house defaults apply where a policy is silent."""

    MEDICARE = "medicare"
    MEDICARE_ADVANTAGE = "medicare_advantage"
    COMMERCIAL = "commercial"
    MEDICAID = "medicaid"
    WORKERS_COMPENSATION = "workers_compensation"


class Technique(StrEnum):
    IMRT_COMPLEX = "imrt_complex"
    IMRT_SIMPLE = "imrt_simple"
    COMPENSATOR = "compensator"
    THREE_D = "3d"


class Isocenters(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"


class MotionManagement(StrEnum):
    NONE = "none"
    ACTIVE = "active"


class Guidance(StrEnum):
    NONE = "none"
    CBCT = "cbct"
    STEREOSCOPIC = "stereoscopic"
    ULTRASOUND = "ultrasound"
    SURFACE = "surface"


class Completion(StrEnum):
    """How the session ended; not started means that the beam never went on."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NOT_STARTED = "not_started"


class BeneficiaryNotice(StrEnum):
    """The advance beneficiary notice, recorded only where a denial is expected."""

    SIGNED = "signed"
    NONE = "none"


class Severity(StrEnum):
    """An error refuses the lines, a hold keeps them back, a note only informs."""

    ERROR = "error"
    HOLD = "hold"
    NOTE = "note"
