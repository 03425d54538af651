"""The choices of the clinic's records, with the labels that people read; their values are the engine's words."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from coding.engine import vocabulary


class DepartmentSetting(models.TextChoices):
    """Where a department stands; inpatient is a fact of a session's day, not of a department."""

    ON_CAMPUS = vocabulary.Setting.ON_CAMPUS, _("On campus")
    OFF_CAMPUS_EXCEPTED = vocabulary.Setting.OFF_CAMPUS_EXCEPTED, _("Off campus, excepted (PO)")
    OFF_CAMPUS_NONEXCEPTED = vocabulary.Setting.OFF_CAMPUS_NONEXCEPTED, _("Off campus, nonexcepted (PN)")
    FREESTANDING = vocabulary.Setting.FREESTANDING, _("Freestanding")


class ClaimForm(models.TextChoices):
    INSTITUTIONAL = vocabulary.ClaimForm.INSTITUTIONAL, _("Institutional (UB-04, 837I)")
    PROFESSIONAL = vocabulary.ClaimForm.PROFESSIONAL, _("Professional (CMS-1500, 837P)")
    GLOBAL = vocabulary.ClaimForm.GLOBAL, _("Global (freestanding, 837P)")


class Biller(models.TextChoices):
    HOSPITAL = "hospital", _("Hospital")
    PHYSICIAN_GROUP = "physician_group", _("Physician group")
    FREESTANDING_OWNER = "freestanding_owner", _("Freestanding owner")


class Technique(models.TextChoices):
    IMRT_COMPLEX = vocabulary.Technique.IMRT_COMPLEX, _("IMRT, complex")
    IMRT_SIMPLE = vocabulary.Technique.IMRT_SIMPLE, _("IMRT, simple")
    COMPENSATOR = vocabulary.Technique.COMPENSATOR, _("IMRT with compensator")
    THREE_D = vocabulary.Technique.THREE_D, _("3D conformal")


class Isocenters(models.TextChoices):
    SINGLE = vocabulary.Isocenters.SINGLE, _("One isocenter")
    MULTIPLE = vocabulary.Isocenters.MULTIPLE, _("Several isocenters")


class MotionManagement(models.TextChoices):
    NONE = vocabulary.MotionManagement.NONE, _("None")
    ACTIVE = vocabulary.MotionManagement.ACTIVE, _("Active (gating or breath hold with beam control)")


class Guidance(models.TextChoices):
    NONE = vocabulary.Guidance.NONE, _("None")
    CBCT = vocabulary.Guidance.CBCT, _("Cone-beam CT")
    STEREOSCOPIC = vocabulary.Guidance.STEREOSCOPIC, _("Stereoscopic X-ray")
    ULTRASOUND = vocabulary.Guidance.ULTRASOUND, _("Ultrasound")
    SURFACE = vocabulary.Guidance.SURFACE, _("Surface or tracking only")


class Completion(models.TextChoices):
    COMPLETE = vocabulary.Completion.COMPLETE, _("Complete")
    PARTIAL = vocabulary.Completion.PARTIAL, _("Partial: beam on, not finished")
    NOT_STARTED = vocabulary.Completion.NOT_STARTED, _("Not started: the beam never went on")


class BeneficiaryNotice(models.TextChoices):
    SIGNED = vocabulary.BeneficiaryNotice.SIGNED, _("Signed notice on file")
    NONE = vocabulary.BeneficiaryNotice.NONE, _("Denial expected, no notice")


class CourseStatus(models.TextChoices):
    PLANNED = "planned", _("Planned")
    ACTIVE = "active", _("Active")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")


class EntrySource(models.TextChoices):
    FORM = "form", _("Session form")
    DAY_SHEET = "day_sheet", _("Day sheet")
    IMPORT = "import", _("Treatment log")
    DEMO = "demo", _("Demo data")
