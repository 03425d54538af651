"""What a treatment log says of sessions, row by row, until a person confirms them or puts them aside."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.models.clinic import Prescription, TreatmentSession
from portal.models.organization import FIRST_DAY, LAST_DAY, Department, Organization, User


class WallClockField(models.DateTimeField):
    """A day and time as the clock on the department's wall showed it, kept without a zone.

    Where the department is not known yet the instant is not known either, so nothing may convert the value.
    """

    def db_type(self, connection: Any) -> str:
        return "timestamp without time zone"

    def get_prep_value(self, value: Any) -> datetime | None:
        return self.to_python(value)


class TreatmentLogUpload(models.Model):
    """Files that a person sent and has not imported yet: kept for the preview, gone once imported or discarded."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    content = models.BinaryField(help_text=_("A zip of the four tables."))

    class Meta:
        ordering = ["-at"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"Upload {self.pk}"


class TreatmentLogImportQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The imports of the user's organization for, or with a candidate in, a department that the user sees."""
        imports = self.filter(organization=user.organization_id)
        if user.sees_all_departments:
            return imports
        return imports.filter(Q(department__users=user) | Q(session_candidates__department__users=user)).distinct()


class TreatmentLogImport(models.Model):
    """One reading of a treatment log, with what was counted in it.

    `candidates`, `deliveries`, `partial` and `rows_ignored` count the log itself, whether or not it was known before;
    `new` and `known` are candidates, `broken` is rows.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="log_imports")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField(auto_now_add=True)
    candidates = models.PositiveIntegerField()
    deliveries = models.PositiveIntegerField()
    partial = models.PositiveIntegerField()
    rows_ignored = models.PositiveIntegerField()
    new = models.PositiveIntegerField()
    known = models.PositiveIntegerField()
    broken = models.PositiveIntegerField()

    objects = TreatmentLogImportQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        default_permissions = ()
        indexes = [models.Index(fields=["organization", "-at", "-id"])]
        constraints = [models.UniqueConstraint(fields=["id", "organization"], name="log_import_of_organization")]

    def __str__(self) -> str:
        return f"Import {self.pk}"


class CandidateState(models.TextChoices):
    OPEN = "open", _("Open")
    CONFIRMED = "confirmed", _("Confirmed")
    DISMISSED = "dismissed", _("Dismissed")


class SessionCandidateQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The candidates of the user's organization in departments that the user may see.

        Where the department is not known yet, they are for people who see all departments.
        """
        candidates = self.filter(organization=user.organization_id)
        return candidates if user.sees_all_departments else candidates.filter(department__users=user)

    def open(self):
        return self.filter(state=CandidateState.OPEN)

    def of_same_patient(self, candidate: "SessionCandidate"):
        """The candidates of the log's patient, in order of start."""
        return self.filter(
            organization=candidate.organization_id, source_patient_id=candidate.source_patient_id
        ).order_by("started_at", "id")


class SessionCandidate(models.Model):
    """One session as the log has it: a session, once a person has supplied what the log does not know.

    `source_patient_id` is the log's own key, `patient_number` the number on the chart where the log names it.
    `has_changed` says that the log gave more rows of the session, or other ones, after somebody had decided on it.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="session_candidates")
    found_in = models.ForeignKey(TreatmentLogImport, on_delete=models.PROTECT, related_name="session_candidates")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    source_patient_id = models.BigIntegerField()
    patient_number = models.CharField(max_length=40, blank=True)
    machine_name = models.CharField(max_length=60, blank=True)
    started_at = WallClockField()
    ended_at = WallClockField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=CandidateState, default=CandidateState.OPEN)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    dismiss_reason = models.CharField(max_length=300, blank=True)
    session = models.OneToOneField(
        TreatmentSession, on_delete=models.PROTECT, related_name="candidate", null=True, blank=True
    )
    has_changed = models.BooleanField(default=False)

    objects = SessionCandidateQuerySet.as_manager()

    class Meta:
        ordering = ["started_at", "id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["organization", "source_patient_id", "started_at"]),
            models.Index(fields=["found_in", "state"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "organization"], name="candidate_of_organization"),
            models.CheckConstraint(
                condition=Q(started_at__gte=datetime(FIRST_DAY.year, 1, 1))
                & Q(started_at__lt=datetime(LAST_DAY.year + 1, 1, 1)),
                name="candidate_date_bounded",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("started_at")),
                name="candidate_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(state=CandidateState.OPEN, session__isnull=True, dismiss_reason="", decided_at__isnull=True)
                | Q(state=CandidateState.CONFIRMED, session__isnull=False, dismiss_reason="", decided_at__isnull=False)
                | (
                    Q(state=CandidateState.DISMISSED, session__isnull=True, decided_at__isnull=False)
                    & ~Q(dismiss_reason="")
                ),
                name="candidate_state_has_its_grounds",
            ),
        ]

    def __str__(self) -> str:
        return f"Candidate {self.pk} of {self.started_at:%m/%d/%Y}"

    @property
    def is_partial(self) -> bool:
        """Whether some field stayed unfinished; reads `deliveries`, so prefetch them in a loop."""
        return any(delivery.is_partial for delivery in self.deliveries.all())


class CandidateDelivery(models.Model):
    """What the session gave of one site of the log, and the prescription that a person said it is."""

    candidate = models.ForeignKey(SessionCandidate, on_delete=models.CASCADE, related_name="deliveries")
    source_site_id = models.BigIntegerField()
    site_name = models.CharField(max_length=120, blank=True)
    technique = models.CharField(max_length=60, blank=True)
    dose_per_fraction_cgy = models.PositiveIntegerField(null=True, blank=True)
    fractions = models.PositiveSmallIntegerField(null=True, blank=True)
    fields_on = models.PositiveSmallIntegerField()
    fields_complete = models.PositiveSmallIntegerField()
    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    class Meta:
        ordering = ["candidate", "id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["candidate", "source_site_id"], name="candidate_delivers_a_site_once"),
            models.CheckConstraint(
                condition=Q(fields_on__gte=1, fields_complete__lte=models.F("fields_on")),
                name="candidate_delivery_counts_plausible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site_name}: {self.fields_complete} of {self.fields_on} fields"

    @property
    def is_partial(self) -> bool:
        return self.fields_complete < self.fields_on


class RowStatus(models.TextChoices):
    USED = "used", _("Used")
    IGNORED = "ignored", _("Ignored")
    BROKEN = "broken", _("Broken")


class ImportedRowQuerySet(models.QuerySet):
    def refused_in(self, imports):
        """The rows that these imports could not use, with the reason."""
        return self.filter(found_in__in=imports.values("pk"), status=RowStatus.BROKEN)


class ImportedRow(models.Model):
    """One row of a log's files: used in a candidate, ignored as no treatment, or broken, with the reason.

    The log's own key is kept once an organization, so that reading the same rows again adds nothing. A broken row has
    no key: it is kept with each import that met it.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    found_in = models.ForeignKey(TreatmentLogImport, on_delete=models.PROTECT, related_name="rows")
    candidate = models.ForeignKey(
        SessionCandidate, on_delete=models.PROTECT, related_name="rows", null=True, blank=True
    )
    file = models.CharField(max_length=40)
    line = models.PositiveIntegerField()
    key = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=RowStatus)
    reason = models.CharField(max_length=300, blank=True)
    source_patient_id = models.BigIntegerField(null=True, blank=True)
    machine_name = models.CharField(max_length=60, blank=True)
    source_site_id = models.BigIntegerField(null=True, blank=True)
    source_field_id = models.BigIntegerField(null=True, blank=True)
    started_at = WallClockField(null=True, blank=True)
    ended_at = WallClockField(null=True, blank=True)
    is_complete = models.BooleanField(null=True, blank=True)

    objects = ImportedRowQuerySet.as_manager()

    class Meta:
        ordering = ["found_in", "file", "line"]
        default_permissions = ()
        indexes = [models.Index(fields=["organization", "source_patient_id", "started_at"])]
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="imported_row_key_once"),
            models.CheckConstraint(
                condition=(
                    Q(status=RowStatus.USED, key__isnull=False, candidate__isnull=False, reason="")
                    & Q(source_patient_id__isnull=False, source_site_id__isnull=False, source_field_id__isnull=False)
                    & Q(started_at__isnull=False, is_complete__isnull=False)
                )
                | (Q(status=RowStatus.IGNORED, key__isnull=False) & ~Q(reason=""))
                | (Q(status=RowStatus.BROKEN, key__isnull=True, candidate__isnull=True) & ~Q(reason="")),
                name="imported_row_status_has_its_grounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.status}"
