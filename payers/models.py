"""Who pays, on what terms and from when; what a patient is covered by, and what the payer has authorized."""

from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine import vocabulary
from coding.engine.terms import PolicyTerms
from coding.engine.trace import Citation
from portal.models import FIRST_DAY, LAST_DAY, Course, Organization, Patient, User

DATED_TERMS = ("keep_until", "payer_ready")


class PayerKind(models.TextChoices):
    MEDICARE = vocabulary.PayerKind.MEDICARE, gettext_lazy("Medicare")
    MEDICARE_ADVANTAGE = vocabulary.PayerKind.MEDICARE_ADVANTAGE, gettext_lazy("Medicare Advantage")
    COMMERCIAL = vocabulary.PayerKind.COMMERCIAL, gettext_lazy("Commercial")
    MEDICAID = vocabulary.PayerKind.MEDICAID, gettext_lazy("Medicaid")
    WORKERS_COMPENSATION = vocabulary.PayerKind.WORKERS_COMPENSATION, gettext_lazy("Workers' compensation")


class Payer(models.Model):
    """Who is billed. A payer's kind decides the house defaults where its policy is silent."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="payers")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=24, choices=PayerKind)
    electronic_payer_id = models.CharField(gettext_lazy("electronic payer ID"), max_length=20, blank=True)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="payer_slug_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="payer_of_organization"),
            models.CheckConstraint(condition=Q(kind__in=PayerKind.values), name="payer_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name


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
    """Superseded is not a status: it is derived from the start of the next published version."""

    DRAFT = "draft", gettext_lazy("Draft")
    PUBLISHED = "published", gettext_lazy("Published")
    RETIRED = "retired", gettext_lazy("Retired")


class PolicyVersionQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The versions of the user's organization's payers."""
        return self.filter(policy__payer__organization=user.organization_id)

    def published(self):
        return self.filter(status=VersionStatus.PUBLISHED)

    def in_force(self, *, on: date):
        """The published versions that began on or before the day, the one in force first.

        The latest start wins, and of equal starts the latest revision: a correction stands before what it corrects.
        """
        return self.published().filter(effective_from__lte=on).order_by("-effective_from", "-revision")

    def with_terms(self):
        """With everything that `as_terms` reads, in a fixed number of queries."""
        return self.select_related("policy__payer").prefetch_related("clauses")


class PolicyVersion(models.Model):
    """A payer's rules from one date of service on: a draft, then published and frozen (a trigger holds it).

    `terms` maps a key of `PolicyTerms` to its value in JSON: text, number, true or false, or an ISO date. A key that is
    absent is a term on which the version is silent. A correction is a new revision with the same start.
    """

    policy = models.ForeignKey(PayerPolicy, on_delete=models.PROTECT, related_name="versions")
    effective_from = models.DateField(gettext_lazy("effective from"), help_text=gettext_lazy("First date of service."))
    revision = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=12, choices=VersionStatus, default=VersionStatus.DRAFT)
    terms = models.JSONField(default=dict, blank=True)
    summary = models.TextField(
        blank=True, help_text=gettext_lazy("What this version is, or what it changes, in your own words.")
    )
    reviewed_on = models.DateField(
        null=True, blank=True, help_text=gettext_lazy("The last day on which someone compared it with its sources.")
    )
    drafted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    drafted_at = models.DateTimeField(auto_now_add=True)
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
                fields=["policy"], condition=Q(status=VersionStatus.DRAFT), name="policy_has_one_draft"
            ),
            models.CheckConstraint(
                condition=Q(effective_from__gte=FIRST_DAY, effective_from__lte=LAST_DAY),
                name="policy_version_date_bounded",
            ),
            models.CheckConstraint(condition=Q(status__in=VersionStatus.values), name="policy_version_status_known"),
            models.CheckConstraint(
                condition=Q(status=VersionStatus.DRAFT, published_at__isnull=True)
                | (~Q(status=VersionStatus.DRAFT) & Q(published_at__isnull=False, reviewed_on__isnull=False)),
                name="policy_version_published_when_not_draft",
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
    def label(self) -> str:
        """How the version is named on pages and in traces."""
        correction = _(", revision %(revision)s") % {"revision": self.revision} if self.revision > 1 else ""
        return _("%(name)s from %(day)s%(correction)s") % {
            "name": self.policy.payer.name,
            "day": self.effective_from.isoformat(),
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
    """One cited statement of a version. `term` is the key of the term that it sets, or empty for text alone."""

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

    class Meta:
        ordering = ["version", "position", "id"]
        constraints = [
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


class InclusiveDays(Func):
    """The days from a start to an inclusive end, open where the end is missing."""

    function = "DATERANGE"
    output_field = DateRangeField()


class CoverageQuerySet(models.QuerySet):
    def on(self, day: date):
        """The coverages of a day, the first rank first: that one is billed."""
        return self.filter(Q(starts_on__lte=day) & (Q(ends_on__isnull=True) | Q(ends_on__gte=day))).order_by("rank")


class Coverage(models.Model):
    """That a patient is covered by a payer over a period, with a rank; rank 1 on the date of service is billed."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="coverages")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="coverages")
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="coverages")
    rank = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    member_number = models.CharField(max_length=40, blank=True)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text=gettext_lazy("Last day, or empty while it goes on."))

    objects = CoverageQuerySet.as_manager()

    class Meta:
        ordering = ["patient", "rank", "-starts_on"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__gte=date(1990, 1, 1), starts_on__lte=LAST_DAY)
                & (Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on"), ends_on__lte=LAST_DAY)),
                name="coverage_dates_in_order",
            ),
            models.CheckConstraint(condition=Q(rank__gte=1, rank__lte=4), name="coverage_rank_plausible"),
            ExclusionConstraint(
                name="coverage_one_payer_a_rank_and_day",
                expressions=[
                    (
                        Func(
                            Cast("patient_id", models.BigIntegerField()),
                            Cast("patient_id", models.BigIntegerField()),
                            models.Value("[]"),
                            function="INT8RANGE",
                        ),
                        "&&",
                    ),
                    (
                        Func(
                            Cast("rank", models.BigIntegerField()),
                            Cast("rank", models.BigIntegerField()),
                            models.Value("[]"),
                            function="INT8RANGE",
                        ),
                        "&&",
                    ),
                    (
                        InclusiveDays(
                            "starts_on", "ends_on", RangeBoundary(inclusive_lower=True, inclusive_upper=True)
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payer}, rank {self.rank}, from {self.starts_on}"


class Authorization(models.Model):
    """A payer's prior authorization for a course: number, codes, units and dates, both ends inclusive."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="authorizations")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="authorizations")
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="authorizations")
    number = models.CharField(max_length=40)
    codes = ArrayField(
        models.CharField(max_length=5), default=list, blank=True, help_text=gettext_lazy("Empty: not tied to codes.")
    )
    units = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=gettext_lazy("Sessions, or empty: not counted.")
    )
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["course", "-starts_on"]
        constraints = [
            models.UniqueConstraint(fields=["course", "payer", "number"], name="authorization_number_once"),
            models.CheckConstraint(
                condition=Q(starts_on__gte=FIRST_DAY, starts_on__lte=LAST_DAY)
                & (Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on"), ends_on__lte=LAST_DAY)),
                name="authorization_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.number
