"""Contract rates as a list, what a schedule would bring, and how far lines have followed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Exists, F, OuterRef, QuerySet, Window
from django.db.models.functions import Lead
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coding.engine.periods import ONE_DAY
from coding.forms.rates import RateFilterForm
from coding.models import ContractRate
from coding.presenters.impact import Running, running
from coding.rate_services import CAPTURE_RATES, Followed, RatePlan, days_at_rates
from portal.models import DepartmentSetting, Job, JobState, Organization, User

RATES_A_PAGE = 100
# Of each kind of row a preview shows so many; the numbers count all.
ROWS_SHOWN = 100
NEXT_START = Window(
    Lead("effective_from"),
    partition_by=[F("payer"), F("code"), F("modifier"), F("setting")],
    order_by=F("effective_from").asc(),
)
# Each column of a schedule: what stands in it, and an example.
COLUMN_WORDS = (
    ("payer", gettext_lazy("The payer's short name, or its full one, as under Set-up, Payers."), "aetna"),
    ("code", gettext_lazy("Five letters or digits."), "77386"),
    ("modifier", gettext_lazy("26 or TC for the professional or technical component; empty for the whole code."), "26"),
    (
        "setting",
        gettext_lazy("Empty for every setting, or one of: %(settings)s.")
        % {"settings": ", ".join(DepartmentSetting.values)},
        "freestanding",
    ),
    (
        "effective_from",
        gettext_lazy("The first date of service; the next rate of the same kind ends it."),
        "2026-01-01",
    ),
    (
        "amount",
        gettext_lazy("Dollars for one unit. A rate that is not agreed has no row: it is never zero."),
        "1450.00",
    ),
    ("source", gettext_lazy("Where it is written; “Why this line?” cites it."), "Contract of 2026, page 4"),
)


@dataclass(frozen=True, slots=True)
class RateRow:
    """One rate; `through` is its last day, None while no other one ends it."""

    rate: ContractRate
    through: date | None
    standing: str
    is_over: bool


@dataclass(frozen=True, slots=True)
class RatesPage:
    rows: list[RateRow]
    count_text: str
    newer_url: str
    older_url: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The first rows of one kind, and how many more there are."""

    rows: Sequence[Any]
    number: int

    @property
    def left_out(self) -> int:
        return self.number - len(self.rows)


def rates_asked(form: RateFilterForm, organization: Organization) -> QuerySet:
    """The rates that a valid form leaves, by payer and code, the newest of each first."""
    rates = ContractRate.objects.filter(organization=organization).select_related("payer")
    if form.cleaned_data["payer"]:
        rates = rates.filter(payer__slug=form.cleaned_data["payer"])
    if form.cleaned_data["code"]:
        rates = rates.filter(code__startswith=form.cleaned_data["code"])
    return rates.order_by("payer__name", "payer", "code", "modifier", "setting", "-effective_from")


def rates_page(form: RateFilterForm, organization: Organization, *, asked: Mapping[str, str], today: date) -> RatesPage:
    """One page of the rates, in a fixed number of queries."""
    rates = rates_asked(form, organization).annotate(next_start=NEXT_START)
    paginator = Paginator(rates, RATES_A_PAGE)
    shown = paginator.get_page(asked.get("page", ""))

    def url(number: int) -> str:
        return f"{reverse('rate-list')}?{urlencode({**form.kept, 'page': number})}"

    return RatesPage(
        rows=[_row(rate, today) for rate in shown.object_list],
        count_text=ngettext("%(n)s rate", "%(n)s rates", paginator.count) % {"n": f"{paginator.count:,}"},
        newer_url=url(shown.previous_page_number()) if shown.has_previous() else "",
        older_url=url(shown.next_page_number()) if shown.has_next() else "",
    )


def _row(rate: ContractRate, today: date) -> RateRow:
    through = rate.next_start - ONE_DAY if rate.next_start else None
    is_over = through is not None and through < today
    if is_over:
        standing = _("ended")
    elif rate.effective_from > today:
        standing = _("begins later")
    else:
        standing = _("holds today")
    return RateRow(rate, through, standing, is_over)


def plan_page(plan: RatePlan, organization: Organization) -> dict[str, Any]:
    """What a schedule would do, with the first rows of each kind, and how many days' lines would follow."""
    days = days_at_rates(organization_id=organization.pk, touched=plan.touched)
    return {
        "plan": plan,
        "new": _shown(plan.new),
        "changed": _shown(plan.changed),
        "refused": _shown(plan.refused),
        "days": sum(map(len, days.values())),
    }


def _shown(rows: Sequence[Any]) -> Shown:
    return Shown(rows[:ROWS_SHOWN], len(rows))


def brought_in(plan: RatePlan, followed: Followed) -> str:
    """What became of a schedule, in words."""
    added = ngettext("%(n)s rate added", "%(n)s rates added", len(plan.new)) % {"n": f"{len(plan.new):,}"}
    told = _("%(added)s, %(changed)s amended.") % {"added": added, "changed": f"{len(plan.changed):,}"}
    return f"{told} {followed_words(followed)}"


def followed_words(followed: Followed) -> str:
    """How unsent lines follow a change."""
    if followed.job is not None:
        return _("Lines that were not sent follow beside the pages; this list shows how far that is.")
    return ngettext("%(n)d session has a new ruling.", "%(n)d sessions have a new ruling.", followed.captured) % {
        "n": followed.captured
    }


def jobs_going_on(user: User) -> list[Running]:
    """The captures after changed rates that go on now."""
    jobs = Job.objects.visible_to(user).going_on().filter(kind=CAPTURE_RATES)
    return [running(job) for job in jobs.order_by("asked_at", "id")]


def jobs_failed(user: User) -> list[Job]:
    """Those that failed and were not asked for again since."""
    jobs = Job.objects.visible_to(user).filter(kind=CAPTURE_RATES)
    again = jobs.filter(arguments=OuterRef("arguments"), pk__gt=OuterRef("pk"))
    return list(jobs.filter(~Exists(again), state=JobState.FAILED).order_by("asked_at", "id"))
