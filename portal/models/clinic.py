"""Who was treated, with what prescription, and what happened at the machine."""

from datetime import date, datetime

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.models.choices import (
    BeneficiaryNotice,
    Completion,
    CourseStatus,
    EntrySource,
    Guidance,
    Isocenters,
    MotionManagement,
    Technique,
)
from portal.models.organization import FIRST_DAY, LAST_DAY, Department, Machine, Organization, Physician, User

RECORD_NUMBER = RegexValidator(r"^[A-Z0-9][A-Z0-9-]*$", _("Capital letters, digits and dashes."))


class PatientQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The patients of the user's organization who have a course in a department that the user may see.

        A patient without any course is seen by everyone of the organization, so that a first course can be opened.
        """
        patients = self.filter(organization=user.organization_id)
        if user.sees_all_departments:
            return patients
        return patients.filter(Q(courses__isnull=True) | Q(courses__department__users=user)).distinct()


def name_of_patient(family_name: str, given_name: str) -> str:
    """A patient as pages name one, from what a list has looked up."""
    return f"{family_name}, {given_name}"


class Patient(models.Model):
    """A person who is treated. Synthetic everywhere outside a customer's own database."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="patients")
    number = models.CharField(_("record number"), max_length=24, validators=[RECORD_NUMBER])
    family_name = models.CharField(max_length=80)
    given_name = models.CharField(max_length=80)
    born_on = models.DateField(null=True, blank=True)

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["family_name", "given_name", "number"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="patient_number_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="patient_of_organization"),
            models.CheckConstraint(
                condition=Q(born_on__isnull=True) | Q(born_on__gte=date(1900, 1, 1), born_on__lte=LAST_DAY),
                name="patient_birth_bounded",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def full_name(self) -> str:
        return name_of_patient(self.family_name, self.given_name)


class CourseQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The courses of the user's organization in departments that the user may see."""
        courses = self.filter(organization=user.organization_id)
        return courses if user.sees_all_departments else courses.filter(department__users=user)


class Course(models.Model):
    """One course of radiation treatment, start to finish, with an account number of its own."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="courses")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="courses")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="courses")
    number = models.PositiveSmallIntegerField(default=1)
    account_number = models.CharField(max_length=24, validators=[RECORD_NUMBER])
    physician = models.ForeignKey(Physician, on_delete=models.PROTECT, related_name="courses", null=True, blank=True)
    diagnoses = ArrayField(
        models.CharField(max_length=8), size=12, default=list, blank=True, help_text=_("ICD codes, first one first.")
    )
    status = models.CharField(max_length=12, choices=CourseStatus, default=CourseStatus.ACTIVE)

    objects = CourseQuerySet.as_manager()

    class Meta:
        ordering = ["patient", "number"]
        # Few courses go on, and lists of them need not read those of all years that are over.
        indexes = [models.Index(fields=["organization", "status"], name="course_by_status")]
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="course_number_once"),
            models.UniqueConstraint(fields=["organization", "account_number"], name="course_account_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="course_of_organization"),
            models.CheckConstraint(condition=Q(status__in=CourseStatus.values), name="course_status_known"),
        ]

    def __str__(self) -> str:
        return self.account_number


class Prescription(models.Model):
    """Anatomical site, technique and dose as ordered. The motion documentation is what makes level 3 defensible."""

    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="prescriptions")
    number = models.PositiveSmallIntegerField(default=1)
    anatomical_site = models.CharField(max_length=120)
    technique = models.CharField(max_length=16, choices=Technique, blank=True)
    dose_per_fraction_cgy = models.PositiveIntegerField(_("dose a fraction (cGy)"), validators=[MinValueValidator(1)])
    fractions = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    sessions_a_day = models.PositiveSmallIntegerField(default=1, help_text=_("As ordered."))
    isocenters = models.CharField(max_length=8, choices=Isocenters, default=Isocenters.SINGLE)
    motion_management = models.CharField(max_length=8, choices=MotionManagement, default=MotionManagement.NONE)
    motion_documentation = models.TextField(
        blank=True, help_text=_("Why it is needed, the system, its thresholds, and what turns the beam on and off.")
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.ForeignKey(
        Physician, on_delete=models.PROTECT, related_name="signed_prescriptions", null=True, blank=True
    )
    plan_approved_at = models.DateTimeField(null=True, blank=True)
    plan_approved_by = models.ForeignKey(
        Physician, on_delete=models.PROTECT, related_name="approved_plans", null=True, blank=True
    )

    class Meta:
        ordering = ["course", "number"]
        constraints = [
            models.UniqueConstraint(fields=["course", "number"], name="prescription_number_once"),
            models.UniqueConstraint(fields=["id", "course"], name="prescription_of_course"),
            models.CheckConstraint(
                condition=Q(fractions__gte=1, fractions__lte=99, dose_per_fraction_cgy__gte=1),
                name="prescription_dose_plausible",
            ),
            models.CheckConstraint(
                condition=Q(sessions_a_day__gte=1, sessions_a_day__lte=3), name="prescription_sessions_plausible"
            ),
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True, signed_by__isnull=True)
                | Q(signed_at__isnull=False, signed_by__isnull=False),
                name="prescription_signed_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(plan_approved_at__isnull=True, plan_approved_by__isnull=True)
                | Q(plan_approved_at__isnull=False, plan_approved_by__isnull=False),
                name="prescription_plan_approved_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.anatomical_site}, {self.dose_per_fraction_cgy * self.fractions / 100:g} Gy in {self.fractions}"


class ScheduledFraction(models.Model):
    """A fraction planned for a day and machine, before it is delivered or missed."""

    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, related_name="scheduled_fractions")
    fraction_number = models.PositiveSmallIntegerField()
    planned_on = models.DateField()
    planned_time = models.TimeField(null=True, blank=True)
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="scheduled_fractions")
    missed_reason = models.CharField(max_length=200, blank=True, help_text=_("Empty unless the fraction was missed."))

    class Meta:
        ordering = ["planned_on", "planned_time", "prescription", "fraction_number"]
        indexes = [models.Index(fields=["machine", "planned_on"])]
        constraints = [
            models.UniqueConstraint(
                fields=["prescription", "fraction_number"],
                condition=Q(missed_reason=""),
                name="scheduled_fraction_once_unless_missed",
            ),
            models.CheckConstraint(
                condition=Q(planned_on__gte=FIRST_DAY, planned_on__lte=LAST_DAY),
                name="scheduled_fraction_date_bounded",
            ),
            models.CheckConstraint(condition=Q(fraction_number__gte=1), name="scheduled_fraction_counts_from_one"),
        ]

    def __str__(self) -> str:
        return f"Fraction {self.fraction_number} on {self.planned_on}"


class TreatmentSessionQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The sessions of the user's organization in departments that the user may see."""
        sessions = self.filter(organization=user.organization_id)
        return sessions if user.sees_all_departments else sessions.filter(department__users=user)

    def standing(self):
        """The sessions that were not voided."""
        return self.filter(voided_at__isnull=True)

    def of_day(self, *, patient_id: int, date_of_service: date):
        """The patient's standing sessions of one date of service, in order of start."""
        return (
            self.standing()
            .filter(course__patient=patient_id, date_of_service=date_of_service)
            .order_by("started_at", "id")
        )


class TreatmentSession(models.Model):
    """One visit to the machine, as remembered. What it owes is decided elsewhere, each time from these facts.

    `date_of_service` is the day of `started_at` in the department's time zone. `coded_on` is the day on which a coder
    entered or last amended it. `isocenters` and `motion_management` are blank where the session followed the
    prescription. `requested_code` and `requested_modifiers` are what a coder keyed by hand.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sessions")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="sessions")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="sessions")
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="sessions", null=True, blank=True)
    physician = models.ForeignKey(Physician, on_delete=models.PROTECT, related_name="sessions", null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    date_of_service = models.DateField()
    coded_on = models.DateField()
    completion = models.CharField(max_length=12, choices=Completion, default=Completion.COMPLETE)
    isocenters = models.CharField(max_length=8, choices=Isocenters, blank=True)
    motion_management = models.CharField(max_length=8, choices=MotionManagement, blank=True)
    is_inpatient = models.BooleanField(_("inpatient that day"), default=False)
    guidance = models.CharField(max_length=16, choices=Guidance, default=Guidance.NONE)
    image_review_signed_at = models.DateTimeField(null=True, blank=True)
    is_supervision_documented = models.BooleanField(_("supervision documented"), default=True)
    has_treatment_record = models.BooleanField(_("treatment record present"), default=True)
    beneficiary_notice = models.CharField(
        _("advance beneficiary notice"),
        max_length=8,
        choices=BeneficiaryNotice,
        blank=True,
        help_text=_("Only where a denial is expected."),
    )
    is_locum = models.BooleanField(_("substitute physician (fee for time)"), default=False)
    has_resident = models.BooleanField(_("a resident took part"), default=False)
    requested_code = models.CharField(max_length=5, blank=True)
    requested_modifiers = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    other_codes_same_day = ArrayField(models.CharField(max_length=5), default=list, blank=True)
    source = models.CharField(max_length=12, choices=EntrySource, default=EntrySource.FORM)
    revision = models.PositiveIntegerField(default=1)
    recorded_at = models.DateTimeField(auto_now_add=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    void_reason = models.CharField(max_length=300, blank=True)

    objects = TreatmentSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-date_of_service", "-id"]
        permissions = [("import_sessions", "Can import treatment logs")]
        indexes = [
            models.Index(fields=["course", "date_of_service"]),
            models.Index(fields=["organization", "-date_of_service", "-id"]),
            models.Index(fields=["machine", "date_of_service"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "organization"], name="session_of_organization"),
            models.CheckConstraint(
                condition=Q(date_of_service__gte=FIRST_DAY, date_of_service__lte=LAST_DAY),
                name="session_date_bounded",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="session_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(completion__in=Completion.values), name="session_completion_known"),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True, voided_by__isnull=True, void_reason="")
                | (Q(voided_at__isnull=False, voided_by__isnull=False) & ~Q(void_reason="")),
                name="session_voided_by_someone_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"Session {self.pk} of {self.date_of_service}"

    @property
    def local_start(self) -> datetime:
        """The start on the department's clock."""
        return self.started_at.astimezone(self.department.zone)


class DeliveredFraction(models.Model):
    """A fraction of a prescription that a session delivered, in whole or in part. The number may not be known yet."""

    session = models.ForeignKey(TreatmentSession, on_delete=models.CASCADE, related_name="delivered_fractions")
    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, related_name="delivered_fractions")
    fraction_number = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["session", "prescription"]
        constraints = [
            models.UniqueConstraint(fields=["session", "prescription"], name="session_delivers_a_prescription_once"),
            models.CheckConstraint(
                condition=Q(fraction_number__isnull=True) | Q(fraction_number__gte=1),
                name="delivered_fraction_counts_from_one",
            ),
        ]

    def __str__(self) -> str:
        return f"Fraction {self.fraction_number} of {self.prescription}"
