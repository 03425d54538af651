"""The ledger of authorizations as its page shows it: the soonest end first, with what is used, left and warned of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.authorization_ledger import (
    NO_LINE,
    AuthorizationEntry,
    Crosswalk,
    authorization_entries,
    authorizations_visible_to,
    courses_without_authorization,
)
from coding.filing import after
from coding.forms.authorization_ledger import AuthorizationLedgerForm, Show, left_wanted
from coding.ledger import course_ledgers
from coding.presenters.filing import deadline_address, deadline_key
from coding.units_used import with_units_used
from portal.presenters.authorizations import AuthorizationBar, authorization_bars, authorization_shortage
from portal.presenters.keyset import count_text

ENTRIES_A_PAGE = 25
LAST_DAY = "ends_on"


@dataclass(frozen=True, slots=True)
class CrosswalkView:
    """The crosswalk in words, with the clause on the guidance page where the payer's policy says it."""

    sentence: str
    is_held: bool
    clause_url: str
    citations: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class EntryView:
    course: Any
    bar: AuthorizationBar
    by_code: list[tuple[str, int]]
    needed: int
    shortage: str
    crosswalk: CrosswalkView | None


@dataclass(frozen=True, slots=True)
class CourseWithout:
    """A course whose payer asks for an authorization and has none on file."""

    course: Any
    payer: str
    delivered: int
    needed: int


@dataclass(frozen=True, slots=True)
class AuthorizationPage:
    """One page of authorizations, or of `courses` without one where those were asked for."""

    rows: list[EntryView]
    courses: list[CourseWithout]
    count_text: str
    first_url: str
    next_url: str


def authorizations_asked(form: AuthorizationLedgerForm) -> QuerySet:
    """The authorizations that the person may see and a valid form leaves."""
    wanted = authorizations_visible_to(form.user).filter(form.wanted)
    if form.units_left is None:
        return wanted
    left = left_wanted(form.units_left)
    found = Q()
    for part in with_units_used(wanted):
        found |= Q(pk__in=part.filter(left).order_by().values("pk"))
    return wanted.filter(found)


def courses_without_asked(form: AuthorizationLedgerForm) -> QuerySet:
    """The courses that lack an authorization, that the person may see and a valid form leaves."""
    courses = courses_without_authorization(form.user, payers=form.choices.payers.values(), today=form.today)
    return courses.filter(form.wanted_courses)


def authorization_page(form: AuthorizationLedgerForm, *, asked: Mapping[str, str], now: datetime) -> AuthorizationPage:
    """One page of what a valid form leaves, in a fixed number of queries; `asked` names the page."""
    key = deadline_key(asked.get("after", ""))
    if form.shown is Show.NONE:
        wanted = courses_without_asked(form)
        after_key = wanted.filter(pk__gt=key[1]) if key else wanted
        found = list(after_key.select_related("patient", "department").order_by("pk")[: ENTRIES_A_PAGE + 1])
        rows, courses = [], _courses_without(found[:ENTRIES_A_PAGE], form, now)
    else:
        wanted = authorizations_asked(form)
        told = wanted.select_related("payer", "course__patient", "course__department")
        found = list(after(told, field=LAST_DAY, key=key)[: ENTRIES_A_PAGE + 1])
        rows = [_view(entry, now) for entry in authorization_entries(found[:ENTRIES_A_PAGE], now=now)]
        courses = []
    last = found[ENTRIES_A_PAGE - 1] if len(found) > ENTRIES_A_PAGE else None
    return AuthorizationPage(
        rows=rows,
        courses=courses,
        count_text=count_text(wanted),
        first_url="?" + urlencode(form.kept) if key is not None else "",
        next_url="?" + urlencode({**form.kept, "after": deadline_address(_key(last))}) if last else "",
    )


def _key(last: Any) -> tuple[date | None, int]:
    """Courses have no last day here: they stand in the order in which they were entered."""
    return getattr(last, LAST_DAY, None), last.pk


def _courses_without(courses: list[Any], form: AuthorizationLedgerForm, now: datetime) -> list[CourseWithout]:
    ledgers = course_ledgers(courses, now=now)
    payers = {payer.pk: payer.name for payer in form.choices.payers.values()}
    return [
        CourseWithout(one, payers[one.payer_today], ledgers[one.pk].visits, ledgers[one.pk].visits_left)
        for one in courses
    ]


def _view(entry: AuthorizationEntry, now: datetime) -> EntryView:
    course, ledger = entry.authorization.course, entry.ledger
    today = now.astimezone(course.department.zone).date()
    bars = authorization_bars(ledger, today)
    place = ledger.authorizations.index(entry.units)
    return EntryView(
        course=course,
        bar=bars[place],
        by_code=[(_("without a delivery line") if code == NO_LINE else code, number) for code, number in entry.by_code],
        needed=ledger.visits_left,
        shortage=authorization_shortage(ledger),
        crosswalk=_crosswalk(entry, today) if entry.crosswalk else None,
    )


def _crosswalk(entry: AuthorizationEntry, today: date) -> CrosswalkView:
    found: Crosswalk = entry.crosswalk
    payer = entry.authorization.payer
    words = {
        "codes": ", ".join(found.old_codes),
        "day": f"{found.first_day:%m/%d/%Y}",
        "payer": payer.name,
        "version": found.version.label if found.version else "",
    }
    is_held = not found.converts and found.is_required
    if found.converts:
        sentence = _("Given for %(codes)s; it counts for the codes from %(day)s on, as %(version)s says.")
    elif found.is_required:
        sentence = _(
            "Given for %(codes)s, and nothing says that %(payer)s takes it for the codes from %(day)s on: "
            "sessions are held. Ask the payer for a new one."
        )
    else:
        sentence = _("Given for %(codes)s, which ended before %(day)s; %(payer)s asks for no authorization.")
    guidance = f"{reverse('guidance-detail', args=[payer.slug])}?on={today.isoformat()}#term-authorization_converts"
    return CrosswalkView(
        sentence=sentence % words,
        is_held=is_held,
        clause_url=guidance if found.converts and found.version else "",
        citations=found.citations if found.converts else (),
    )
