"""On what terms a payer pays, and from when: versions of its policy, their cited clauses and their examples."""

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.periods import in_words
from coding.engine.terms import PolicyTerms
from coding.engine.trace import Citation
from payers.models.payers import Payer
from portal.models import FIRST_DAY, LAST_DAY, User

DATED_TERMS = ("keep_until", "payer_ready")


class PayerPolicy(models.Model):
    """A payer's rules for radiation treatment over all time: the shelf on which its versions stand."""

    payer = models.OneToOneField(Payer, on_delete=models.PROTECT, related_name="policy")
    title = models.CharField(max_length=200)
    number = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["payer"]
        verbose_name_plural = gettext_lazy("payer policies")

    def __str__(self) -> str:
        return self.title


class VersionStatus(models.TextChoices):
    """Superseded is not a status: it is derived from the start of the next published version.

    A version in review reads as it will be published: it is amended by sending it back, which makes it a draft again.
    """

    DRAFT = "draft", gettext_lazy("Draft")
    IN_REVIEW = "in_review", gettext_lazy("In review")
    PUBLISHED = "published", gettext_lazy("Published")
    RETIRED = "retired", gettext_lazy("Retired")


# A policy has one version at most that is not published yet.
UNPUBLISHED = (VersionStatus.DRAFT, VersionStatus.IN_REVIEW)


class PolicyVersionQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The versions of the user's organization's payers."""
        return self.filter(policy__payer__organization=user.organization_id)

    def published(self):
        return self.filter(status=VersionStatus.PUBLISHED)

    def unpublished(self):
        """Drafts, and versions in review."""
        return self.filter(status__in=UNPUBLISHED)

    def in_force(self, *, on: date):
        """The published versions that began on or before the day, the one in force first.

        The latest start wins, and of equal starts the latest revision: a correction stands before what it corrects.
        """
        return self.published().filter(effective_from__lte=on).order_by("-effective_from", "-revision")

    def with_terms(self):
        """With everything that `as_terms` reads, in a fixed number of queries."""
        return self.select_related("policy__payer").prefetch_related("clauses")


class PolicyVersion(models.Model):
    """A payer's rules from one date of service on: a draft, in review, then published and frozen (a trigger holds it).

    `terms` maps a key of `PolicyTerms` to its value in JSON: text, number, true or false, or an ISO date. A key that is
    absent is a term on which the version is silent. A correction is a new revision with the same start.
    `guidance` is free text in Markdown for the guidance page; it decides nothing.
    """

    policy = models.ForeignKey(PayerPolicy, on_delete=models.PROTECT, related_name="versions")
    effective_from = models.DateField(gettext_lazy("effective from"), help_text=gettext_lazy("First date of service."))
    revision = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=12, choices=VersionStatus, default=VersionStatus.DRAFT)
    terms = models.JSONField(default=dict, blank=True)
    summary = models.TextField(
        blank=True, help_text=gettext_lazy("What this version is, or what it changes, in your own words.")
    )
    guidance = models.TextField(
        gettext_lazy("guidance in free text"),
        blank=True,
        help_text=gettext_lazy("Markdown, for the guidance page. What decides a line stands in the terms."),
    )
    reviewed_on = models.DateField(
        null=True, blank=True, help_text=gettext_lazy("The last day on which someone compared it with its sources.")
    )
    drafted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    drafted_at = models.DateTimeField(auto_now_add=True)
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    retire_reason = models.CharField(max_length=300, blank=True)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["policy", "-effective_from", "-revision"]
        permissions = [("publish_policyversion", "Can publish and retire policy versions")]
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "effective_from", "revision"], name="policy_version_revision_once"
            ),
            models.UniqueConstraint(
                fields=["policy"], condition=Q(status__in=UNPUBLISHED), name="policy_has_one_draft"
            ),
            models.CheckConstraint(
                condition=Q(effective_from__gte=FIRST_DAY, effective_from__lte=LAST_DAY),
                name="policy_version_date_bounded",
            ),
            models.CheckConstraint(condition=Q(status__in=VersionStatus.values), name="policy_version_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=UNPUBLISHED, published_at__isnull=True)
                | (~Q(status__in=UNPUBLISHED) & Q(published_at__isnull=False, reviewed_on__isnull=False)),
                name="policy_version_published_when_not_draft",
            ),
            models.CheckConstraint(
                condition=Q(status=VersionStatus.DRAFT, submitted_at__isnull=True)
                | (~Q(status=VersionStatus.DRAFT) & Q(submitted_at__isnull=False)),
                name="policy_version_submitted_before_published",
            ),
            models.CheckConstraint(
                condition=(~Q(status=VersionStatus.RETIRED) & Q(retired_at__isnull=True, retire_reason=""))
                | (Q(status=VersionStatus.RETIRED, retired_at__isnull=False) & ~Q(retire_reason="")),
                name="policy_version_retired_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_unpublished(self) -> bool:
        return self.status in UNPUBLISHED

    @property
    def label(self) -> str:
        """How the version is named on pages and in traces."""
        correction = _(", revision %(revision)s") % {"revision": self.revision} if self.revision > 1 else ""
        return _("%(name)s from %(day)s%(correction)s") % {
            "name": self.policy.payer.name,
            "day": in_words(self.effective_from),
            "correction": correction,
        }

    def as_terms(self, *, is_review_overdue: bool = False) -> PolicyTerms:
        """This version as the engine reads it. Reads `clauses` and `policy.payer`: prefetch them in a loop."""
        return PolicyTerms(
            policy=self.policy.payer.slug,
            version=self.label,
            effective_from=self.effective_from,
            reviewed_on=self.reviewed_on,
            is_review_overdue=is_review_overdue,
            clauses={
                clause.term: Citation(
                    title=clause.citation_title,
                    url=clause.citation_url,
                    published=clause.citation_published,
                    section=clause.citation_section,
                    reviewed_on=self.reviewed_on,
                )
                for clause in self.clauses.all()
                if clause.term
            },
            **{key: date.fromisoformat(value) if key in DATED_TERMS else value for key, value in self.terms.items()},
        )


class ClauseTopic(models.TextChoices):
    SHORT = "short", gettext_lazy("In short")
    CODES = "codes", gettext_lazy("Codes")
    MODIFIERS = "modifiers", gettext_lazy("Modifiers")
    SECOND_SESSION = "second_session", gettext_lazy("Two sessions in a day")
    GUIDANCE = "guidance", gettext_lazy("Image guidance")
    AUTHORIZATION = "authorization", gettext_lazy("Authorization")
    DIAGNOSES = "diagnoses", gettext_lazy("Diagnoses")
    DOCUMENTATION = "documentation", gettext_lazy("Documentation")
    FILING = "filing", gettext_lazy("Filing limits")
    APPEALS = "appeals", gettext_lazy("Appeals")
    ALERTS = "alerts", gettext_lazy("Alerts")
    PLANS = "plans", gettext_lazy("Plans")


class Confidence(models.TextChoices):
    """How far a source carries: of the payer itself, of a good second hand, or worth checking first."""

    HIGH = "high", gettext_lazy("High")
    MEDIUM = "medium", gettext_lazy("Medium")
    LOW = "low", gettext_lazy("Low")


class PolicyClause(models.Model):
    """One cited statement of a version. `term` is the key of the term that it sets, or empty for text alone.

    `reviewed_on` is the last day on which someone compared it with its source; empty means the version's own day.
    An alert may be dated: the guidance page shows it from `alert_from` through `alert_until`.
    """

    version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="clauses")
    position = models.PositiveSmallIntegerField(default=1)
    topic = models.CharField(max_length=16, choices=ClauseTopic)
    term = models.CharField(max_length=32, blank=True)
    summary = models.TextField(help_text=gettext_lazy("In your own words, never the payer's."))
    citation_title = models.CharField(max_length=200)
    citation_url = models.URLField(max_length=400, blank=True)
    citation_published = models.CharField(max_length=20, blank=True, help_text=gettext_lazy("As the source shows it."))
    citation_section = models.CharField(max_length=120, blank=True)
    confidence = models.CharField(max_length=8, choices=Confidence, default=Confidence.MEDIUM)
    reviewed_on = models.DateField(null=True, blank=True)
    alert_from = models.DateField(gettext_lazy("show the alert from"), null=True, blank=True)
    alert_until = models.DateField(gettext_lazy("show the alert through"), null=True, blank=True)

    class Meta:
        ordering = ["version", "position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(topic=ClauseTopic.ALERTS) | Q(alert_from__isnull=True, alert_until__isnull=True),
                name="policy_clause_dates_only_an_alert",
            ),
            models.CheckConstraint(
                condition=Q(alert_from__isnull=True)
                | Q(alert_until__isnull=True)
                | Q(alert_until__gte=models.F("alert_from")),
                name="policy_clause_alert_dates_in_order",
            ),
            models.UniqueConstraint(
                fields=["version", "term"], condition=~Q(term=""), name="policy_clause_sets_a_term_once"
            ),
            models.CheckConstraint(
                condition=~Q(citation_title="") & ~Q(summary=""), name="policy_clause_is_cited_and_said"
            ),
            models.CheckConstraint(condition=Q(topic__in=ClauseTopic.values), name="policy_clause_topic_known"),
        ]

    def __str__(self) -> str:
        return self.summary


class PolicyExample(models.Model):
    """A session that a version must answer with these lines: run in the editor, and a failing one blocks publishing.

    `facts` maps columns of the coding cases (docs: the case file) to their text; payer, terms and case are left out,
    because the version says them. `expected_lines` and `expected_findings` are in the words of the case files.
    """

    version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="examples")
    position = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=120)
    facts = models.JSONField(default=dict)
    expected_lines = models.CharField(max_length=300, blank=True, help_text=gettext_lazy("Empty: no line."))
    expected_findings = models.CharField(max_length=300, blank=True, help_text=gettext_lazy("Errors and holds."))

    class Meta:
        ordering = ["version", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "title"], name="policy_example_title_once"),
            models.CheckConstraint(condition=~Q(title=""), name="policy_example_has_a_title"),
        ]

    def __str__(self) -> str:
        return self.title


class PolicyReview(models.Model):
    """That someone compared a published version with its sources again and found nothing to change. Only added to."""

    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="reviews")
    reviewed_on = models.DateField()
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["version", "-reviewed_on", "-id"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(reviewed_on__gte=FIRST_DAY, reviewed_on__lte=LAST_DAY), name="policy_review_date_bounded"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} reviewed on {self.reviewed_on}"
