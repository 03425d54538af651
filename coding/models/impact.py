"""What a draft of a policy would change, as it was previewed; and what is captured again once it is published."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coding.models.reference import ReferenceLoad
from coding.models.rulings import TraceRecord
from payers.models import PolicyVersion
from portal.models import FIRST_DAY, LAST_DAY, Job, TreatmentSession, User


class ImpactPreviewQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The previews of the user's organization's policies."""
        return self.filter(version__policy__payer__organization=user.organization_id)


class ImpactPreview(models.Model):
    """One run of every session of a window under an unpublished version: what would change, while nothing does.

    `content_digest` is of the version's start and terms when it was run: a version that was amended since is told so.
    Counts are final once the job is done; `amount_difference` is in dollars at national rates, unknown where a rate is.
    """

    version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="previews")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="impact_preview")
    first = models.DateField()
    last = models.DateField()
    content_digest = models.CharField(max_length=64)
    sessions = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    holds_added = models.PositiveIntegerField(default=0)
    holds_removed = models.PositiveIntegerField(default=0)
    exported_affected = models.PositiveIntegerField(default=0)
    amount_difference = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)

    objects = ImpactPreviewQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(first__gte=FIRST_DAY, last__gte=models.F("first"), last__lte=LAST_DAY),
                name="impact_preview_days_in_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version}, {self.first} to {self.last}"


class ImpactRow(models.Model):
    """One session that would change: its lines and findings before and after, in the words of the case files."""

    preview = models.ForeignKey(ImpactPreview, on_delete=models.CASCADE, related_name="rows")
    session = models.ForeignKey(TreatmentSession, on_delete=models.CASCADE, related_name="+")
    date_of_service = models.DateField()
    lines_before = models.CharField(max_length=300, blank=True)
    lines_after = models.CharField(max_length=300, blank=True)
    findings_before = models.CharField(max_length=600, blank=True)
    findings_after = models.CharField(max_length=600, blank=True)
    holds_added = models.PositiveSmallIntegerField(default=0)
    holds_removed = models.PositiveSmallIntegerField(default=0)
    exported_affected = models.PositiveSmallIntegerField(default=0)
    amount_difference = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    trace_before = models.ForeignKey(TraceRecord, on_delete=models.PROTECT, related_name="+")
    trace_after = models.ForeignKey(TraceRecord, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["preview", "date_of_service", "session"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["preview", "session"], name="impact_row_once")]

    def __str__(self) -> str:
        return f"Session {self.session_id} of {self.date_of_service}"


class RecaptureState(models.TextChoices):
    OPEN = "open", _("To be captured again")
    CAPTURED = "captured", _("Captured again")
    KEPT = "kept", _("Kept as it was")


class RecaptureItemQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The items of sessions that the user may see."""
        items = self.filter(session__organization=user.organization_id)
        return items if user.sees_all_departments else items.filter(session__department__users=user)

    def open(self):
        return self.filter(state=RecaptureState.OPEN)


class RecaptureItem(models.Model):
    """A session that is answered otherwise than it was captured: to be captured again by a person.

    A published `version` or the `load` of an official file is why. Capturing again replaces what is not exported and
    drafts corrections beside what is. `lines_before` and `lines_after` are what was charged and what is answered now,
    in the words of the case files.
    """

    version = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, related_name="recapture_items", null=True, blank=True
    )
    load = models.ForeignKey(
        ReferenceLoad, on_delete=models.CASCADE, related_name="recapture_items", null=True, blank=True
    )
    session = models.ForeignKey(TreatmentSession, on_delete=models.PROTECT, related_name="recapture_items")
    lines_before = models.CharField(max_length=300, blank=True)
    lines_after = models.CharField(max_length=300, blank=True)
    findings_before = models.CharField(max_length=600, blank=True)
    findings_after = models.CharField(max_length=600, blank=True)
    exported_affected = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=12, choices=RecaptureState, default=RecaptureState.OPEN)
    reason = models.CharField(max_length=300, blank=True, help_text=_("Why it is kept as it was."))
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = RecaptureItemQuerySet.as_manager()

    class Meta:
        ordering = ["version", "load", "session"]
        default_permissions = ()
        indexes = [models.Index(fields=["version", "session"], condition=Q(state="open"), name="recapture_open")]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "load", "session"], nulls_distinct=False, name="recapture_item_once"
            ),
            models.CheckConstraint(
                condition=Q(version__isnull=False, load__isnull=True) | Q(version__isnull=True, load__isnull=False),
                name="recapture_for_one_cause",
            ),
            models.CheckConstraint(condition=Q(state__in=RecaptureState.values), name="recapture_state_known"),
            models.CheckConstraint(
                condition=~Q(state=RecaptureState.KEPT) | ~Q(reason=""), name="recapture_kept_for_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"Session {self.session_id} under {self.cause}"

    @property
    def cause(self) -> PolicyVersion | ReferenceLoad:
        """Why the session is answered otherwise."""
        return self.version or self.load

    @property
    def cause_key(self) -> str:
        """The cause as the filter of the list names it."""
        return f"version-{self.version_id}" if self.version_id else f"load-{self.load_id}"
