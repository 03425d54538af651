"""What the engine answered for a session, revision after revision, and what keeps its lines back."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from payers.models import PolicyVersion
from portal.models import Organization, TreatmentSession, User


class TraceRecord(models.Model):
    """The grounds of a ruling, stored once per distinct content and shared by every ruling that has them."""

    digest = models.CharField(max_length=64, primary_key=True)
    steps = models.JSONField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="trace_digest_is_sha256")
        ]

    def __str__(self) -> str:
        return self.digest


class SessionRulingQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The rulings on sessions that the user may see."""
        rulings = self.filter(session__organization=user.organization_id)
        return rulings if user.sees_all_departments else rulings.filter(session__department__users=user)

    def current(self):
        """The latest answer of each session; the others are history."""
        return self.filter(is_current=True)


class SessionRuling(models.Model):
    """The engine's answer for one session. A new answer is a new revision beside the old.

    `answer_digest` is the SHA-256 of everything that was answered; capturing again with the same digest writes nothing.
    `findings` holds every error, hold and note in the order found, each as `coding.shaping.finding_as_json` writes it.
    `file_by` is the last day on which the payer takes a first claim; unknown where nobody has said. `has_lines` is
    whether the ruling wrote any line: a session whose ruling wrote none is found by it among all that did.
    """

    session = models.ForeignKey(TreatmentSession, on_delete=models.PROTECT, related_name="rulings")
    revision = models.PositiveIntegerField()
    is_current = models.BooleanField(default=True)
    captured_at = models.DateTimeField(auto_now_add=True)
    captured_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="rulings", null=True)
    signature = models.CharField(max_length=64)
    answer_digest = models.CharField(max_length=64)
    trace = models.ForeignKey(TraceRecord, on_delete=models.PROTECT, related_name="rulings")
    findings = models.JSONField(default=list)
    error_names = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    file_by = models.DateField(null=True, blank=True)
    has_lines = models.BooleanField(default=False)

    objects = SessionRulingQuerySet.as_manager()

    class Meta:
        ordering = ["session", "-revision"]
        indexes = [
            models.Index(fields=["file_by"], condition=Q(is_current=True), name="ruling_by_deadline"),
            models.Index(
                fields=["session"], condition=Q(is_current=True, has_lines=False), name="ruling_without_lines"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["session", "revision"], name="ruling_revision_once"),
            models.UniqueConstraint(fields=["session"], condition=Q(is_current=True), name="ruling_one_current"),
        ]

    def __str__(self) -> str:
        return f"Ruling {self.revision} of session {self.session_id}"


# A hold that a person places has this name; every other name is one of the engine's findings.
HELD_BY_HAND = "HELD_BY_HAND"


def keeps_back(claim_form: str, role: str, line) -> bool:
    """Whether a hold on that claim form and role, each blank where it is on all, keeps the line back.

    The line may be a charge line, or what a list has looked up of one.
    """
    return claim_form in ("", line.claim_form) and role in ("", line.role)


class SessionHoldQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The holds on sessions that the user may see."""
        holds = self.filter(organization=user.organization_id)
        return holds if user.sees_all_departments else holds.filter(session__department__users=user)

    def standing(self):
        """The holds whose grounds are still there, released or not."""
        return self.filter(closed_at__isnull=True)

    def open(self):
        """The holds that keep a line back now."""
        return self.standing().filter(released_at__isnull=True)


class SessionHold(models.Model):
    """Lines kept back for a named reason. A release stands as long as the grounds are equal; changed grounds close it.

    `claim_form` and `role` are blank where the hold is on every line of the session. `placed_by` is the person who
    placed it by hand, or empty where the engine found it. Owner and due day go over to the next hold of the same name.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="holds")
    session = models.ForeignKey(TreatmentSession, on_delete=models.PROTECT, related_name="holds")
    ruling = models.ForeignKey(SessionRuling, on_delete=models.PROTECT, related_name="holds_opened")
    name = models.CharField(max_length=40)
    claim_form = models.CharField(max_length=16, blank=True)
    role = models.CharField(max_length=16, blank=True)
    is_hard = models.BooleanField()
    sentence = models.TextField()
    remedy = models.TextField()
    grounds = models.JSONField(default=list)
    grounds_digest = models.CharField(max_length=64)
    opened_at = models.DateTimeField(auto_now_add=True)
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="holds_owned", null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    release_note = models.CharField(max_length=500, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = SessionHoldQuerySet.as_manager()

    class Meta:
        ordering = ["opened_at", "id"]
        permissions = [("release_hold", "Can release soft holds")]
        indexes = [
            models.Index(
                fields=["organization", "opened_at", "id"],
                condition=Q(closed_at__isnull=True, released_at__isnull=True),
                name="hold_open_by_age",
            ),
            models.Index(
                fields=["organization", "name", "opened_at", "id"],
                condition=Q(closed_at__isnull=True, released_at__isnull=True),
                name="hold_open_by_reason",
            ),
            models.Index(
                fields=["owner", "due_on", "id"],
                condition=Q(closed_at__isnull=True, released_at__isnull=True),
                name="hold_open_by_owner",
            ),
            models.Index(fields=["session"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "name", "claim_form", "role", "grounds_digest"],
                condition=Q(closed_at__isnull=True),
                name="hold_stands_once",
            ),
            models.CheckConstraint(
                condition=Q(released_at__isnull=True, released_by__isnull=True, release_note="")
                | (Q(released_at__isnull=False, released_by__isnull=False) & ~Q(release_note="")),
                name="hold_released_by_someone_with_a_note",
            ),
            models.CheckConstraint(
                condition=Q(is_hard=False) | Q(released_at__isnull=True), name="hard_hold_is_never_released"
            ),
            models.CheckConstraint(
                condition=Q(placed_by__isnull=True) & ~Q(name=HELD_BY_HAND)
                | Q(placed_by__isnull=False, name=HELD_BY_HAND, is_hard=False),
                name="hold_by_hand_is_soft_and_of_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} on session {self.session_id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None and self.released_at is None

    def applies_to(self, line) -> bool:
        """Whether this hold keeps that charge line back."""
        return keeps_back(self.claim_form, self.role, line)


class HoldNote(models.Model):
    """What a person wrote about a hold while working on it. Notes are added and never changed."""

    hold = models.ForeignKey(SessionHold, on_delete=models.PROTECT, related_name="notes")
    text = models.CharField(max_length=500)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="hold_note_says_something")]

    def __str__(self) -> str:
        return self.text
