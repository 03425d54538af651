"""Reconciliation as people read it: days and courses whose numbers open, gaps with their fix, days to sign."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.forms.reconciliation import (
    ANY_GAP,
    BY_COURSE,
    BY_DAY,
    COLUMN_LABELS,
    KIND_LABELS,
    TO_SIGN,
    GapReasonForm,
    ReconciliationForm,
    VisitsForm,
)
from coding.reconciliation import (
    NOT_KNOWN_YET,
    Column,
    Gap,
    GapKind,
    ReconciledVisit,
    Reconciliation,
    Tally,
    reconcile,
    tally,
)
from coding.reconciliation_services import place_of, reasons_between
from coding.reports import harmless
from portal.models import Course, DaySignOff, Department, GapReason, User

VISITS_A_PAGE = 100
COURSES_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Number:
    """A number and the address of exactly its rows, if there are any. A count of None is not known yet."""

    label: str
    count: int | None
    url: str = ""


@dataclass(frozen=True, slots=True)
class TallyRow:
    """A day of a department, or a course: its numbers, its gaps by kind, and how the day stands."""

    title: str
    title_url: str
    facts: str
    columns: list[Number]
    gaps: list[Number]
    state: str = ""
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class Fix:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class GapView:
    """A gap in words, the ways to fix it, and why it is none, where somebody said so."""

    kind: str
    detail: str
    fixes: list[Fix]
    anchor: str
    reason: GapReason | None = None
    form: GapReasonForm | None = None


@dataclass(frozen=True, slots=True)
class VisitRow:
    day: date
    department: str
    course: Course
    fractions: str
    session_url: str
    counted: list[str]
    gaps: list[GapView]


@dataclass(frozen=True, slots=True)
class DayToSign:
    """A past day of a department that nobody signed off, or whose gaps came after that."""

    day: date
    department: Department
    url: str
    delivered: int
    gaps: int
    with_reason: int
    is_signed: bool

    @property
    def gaps_open(self) -> int:
        return self.gaps - self.with_reason

    @property
    def can_sign(self) -> bool:
        return not self.gaps_open and not self.is_signed


@dataclass(frozen=True, slots=True)
class Pages:
    count_text: str
    newer_url: str = ""
    older_url: str = ""


class ReconciliationPage:
    """The tab that was asked for, of the days, department and kind of gap that the form leaves."""

    def __init__(self, form: ReconciliationForm, *, now: datetime, asked: Mapping[str, str]) -> None:
        self.form = form
        self.now = now
        everything = _asked_of(form, now)
        self.view = form.view
        # A day is signed for all its gaps, whatever kind the lists are narrowed to.
        kind = None if self.view == TO_SIGN else form.gap_kind
        self.found = everything.narrowed(kind=kind)
        self.departments = {department.pk: department for department in form.choices.departments}
        self.first, self.last = form.first, form.last
        self.tabs = [
            (_("By day"), self._tab(BY_DAY), self.view == BY_DAY),
            (_("By course"), self._tab(BY_COURSE), self.view == BY_COURSE),
            (_("Days to sign"), self._tab(TO_SIGN), self.view == TO_SIGN),
        ]
        total = self.found.total
        self.kinds = [self._number({}, KIND_LABELS[kind], kind, total.gaps[kind]) for kind in GapKind]
        self.headings = [str(COLUMN_LABELS[column]) for column in Column]
        self.total = self._row(_("All"), "", "", total, {})
        self.rows: list[TallyRow] = []
        self.days: list[DayToSign] = []
        self.pages = Pages("")
        if self.view == BY_DAY:
            self.rows = list(self._day_rows())
        elif self.view == BY_COURSE:
            self.rows = self._course_rows(asked.get("page", ""))
        else:
            self.days = days_to_sign(self.found, self.departments, now)

    @property
    def query(self) -> str:
        """The tab and its filters, to come back to."""
        return urlencode(self.form.kept | {"by": self.view})

    @property
    def csv_url(self) -> str:
        return reverse("reconciliation-csv") + f"?{self._query(by=self.view)}"

    def all_rows(self) -> Iterator[TallyRow]:
        """Every row of the tab, for a file."""
        return self._day_rows() if self.view != BY_COURSE else self._course_rows_of(self.found.by_course())

    def _tab(self, view: str) -> str:
        return f"{reverse('reconciliation')}?{urlencode(self.form.kept | {'by': view})}"

    def _query(self, **changes: Any) -> str:
        window = {"start": self.first.isoformat(), "end": self.last.isoformat()}
        return urlencode(self.form.kept | window | changes)

    def _number(self, opened: dict[str, Any], label: Any, key: Column | GapKind | str, count: int | None) -> Number:
        url = f"{reverse('reconciliation-visits')}?{self._query(of=str(key), **opened)}" if count else ""
        return Number(str(label), count, url)

    def _row(
        self, title: str, url: str, facts: str, counted: Tally, opened: dict[str, Any], **changes: Any
    ) -> TallyRow:
        gaps = ((kind, number) for kind, number in counted.gaps.items() if number)
        return TallyRow(
            title=title,
            title_url=url,
            facts=facts,
            columns=[
                self._number(opened, COLUMN_LABELS[column], column, number)
                for column, number in counted.columns.items()
            ],
            gaps=[self._number(opened, KIND_LABELS[kind], kind, number) for kind, number in gaps],
            **changes,
        )

    def _day_rows(self) -> Iterator[TallyRow]:
        signed = _signed(self.departments, self.first, self.last)
        for (day, department_id), counted in self.found.by_day().items():
            department = self.departments[department_id]
            is_signed = (department_id, day) in signed
            is_over = day < self.now.astimezone(department.zone).date()
            yield self._row(
                f"{day:%m/%d/%Y}",
                day_url(department_id, day),
                department.name,
                counted,
                {"start": day.isoformat(), "end": day.isoformat(), "department": department_id},
                state=_("Signed off") if is_signed else (_("To sign") if is_over else _("Not over")),
                is_signed=is_signed,
            )

    def _course_rows(self, page: str) -> list[TallyRow]:
        courses = self.found.by_course()
        worst_first = sorted(courses, key=lambda course: (-courses[course].gap_count, course))
        paginator = Paginator(worst_first, COURSES_A_PAGE)
        shown = paginator.get_page(page)
        self.pages = _pages(
            shown,
            ngettext("%(n)d course", "%(n)d courses", paginator.count) % {"n": paginator.count},
            reverse("reconciliation"),
            self.form.kept | {"by": BY_COURSE},
        )
        return list(self._course_rows_of({course: courses[course] for course in shown}))

    def _course_rows_of(self, courses: dict[int, Tally]) -> Iterator[TallyRow]:
        known = _courses(courses)
        for course_id, counted in courses.items():
            course = known[course_id]
            ordered = sum(prescription.fractions for prescription in course.prescriptions.all())
            yield self._row(
                course.account_number,
                reverse("course-detail", args=[course_id]),
                _("%(patient)s; %(fractions)d fractions ordered")
                % {"patient": course.patient.full_name, "fractions": ordered},
                counted,
                {"course": course_id},
            )


class VisitsPage:
    """Exactly the rows of one number, with their gaps and the ways to fix them."""

    def __init__(self, form: VisitsForm, *, now: datetime, asked: Mapping[str, str]) -> None:
        self.form = form
        chosen = form.cleaned_data
        found = _asked_of(form, now).narrowed(kind=form.gap_kind, course_id=chosen["course"])
        self.of = chosen["of"]
        self.first, self.last = form.first, form.last
        self.visits = [visit for visit in found.visits if _counts(visit, self.of)]
        self.departments = {department.pk: department for department in form.choices.departments}
        kept = form.kept | {key: form.data[key] for key in ("of", "course", "by") if form.data.get(key)}
        paginator = Paginator(self.visits, VISITS_A_PAGE)
        shown = paginator.get_page(asked.get("page", ""))
        count = ngettext("%(n)d visit", "%(n)d visits", paginator.count) % {"n": paginator.count}
        self.pages = _pages(shown, count, reverse("reconciliation-visits"), kept)
        self.rows = list(visit_rows(shown.object_list, self.departments, form.user))
        self.narrowed_to = [
            str(dict(form.fields[name].choices)[chosen[name]]) for name in ("department", "kind") if chosen[name]
        ]
        self.title = str(dict(form.fields["of"].choices).get(self.of) or _("Visits"))
        self.csv_url = f"{reverse('reconciliation-visits-csv')}?{urlencode(kept)}"
        self.back_url = f"{reverse('reconciliation')}?{urlencode(form.kept)}"


def _asked_of(form: ReconciliationForm, now: datetime) -> Reconciliation:
    return reconcile(
        organization=form.user.organization,
        first=form.first,
        last=form.last,
        now=now,
        user=form.user,
        department_id=form.department_id,
    )


def _counts(visit: ReconciledVisit, of: str) -> bool:
    """Whether the visit is one of the number's rows."""
    if not of:
        return True
    if of == ANY_GAP:
        return bool(visit.gaps)
    return of in visit.columns or of in {gap.kind for gap in visit.gaps}


class DayPage:
    """A department's day: its numbers, its gaps with fix and reason, and whether it can be signed off."""

    def __init__(self, department: Department, day: date, *, now: datetime, user: User) -> None:
        self.department, self.day = department, day
        self.visits = reconcile(
            organization=user.organization, first=day, last=day, now=now, user=user, department_id=department.pk
        ).visits
        self.reasons = reasons_between(departments=[department.pk], first=day, last=day)
        self.signed = DaySignOff.objects.filter(department=department, day=day).select_related("signed_by").first()
        self.is_over = day < now.astimezone(department.zone).date()
        opened = urlencode({"start": day.isoformat(), "end": day.isoformat(), "department": department.pk})
        visits_url = reverse("reconciliation-visits")
        self.numbers = [
            Number(str(COLUMN_LABELS[column]), count, f"{visits_url}?{opened}&of={column.value}" if count else "")
            for column, count in tally(self.visits).columns.items()
        ]
        departments = {department.pk: department}
        self.rows = list(
            visit_rows(
                [visit for visit in self.visits if visit.gaps],
                departments,
                user,
                reasons=self.reasons,
                may_say=user.has_perm("portal.sign_off_day") and not self.signed,
            )
        )
        self.gaps_open = sum(gap.reason is None for row in self.rows for gap in row.gaps)
        self.gaps_closed = sum(gap.reason is not None for row in self.rows for gap in row.gaps)

    def with_form(self, form: GapReasonForm) -> None:
        """Show a form that was not valid at its gap, with what was typed."""
        for row in self.rows:
            for place, gap in enumerate(row.gaps):
                if gap.form is not None and gap.form.initial == _gap_initial(form.data):
                    row.gaps[place] = GapView(gap.kind, gap.detail, gap.fixes, gap.anchor, gap.reason, form)


def _gap_initial(data: Mapping[str, str]) -> dict[str, str]:
    return {key: data.get(key, "") for key in ("kind", "course", "session")}


def visit_rows(
    visits: list[ReconciledVisit],
    departments: Mapping[int, Department],
    user: User,
    *,
    reasons: Mapping[tuple, GapReason] | None = None,
    may_say: bool = False,
) -> Iterator[VisitRow]:
    """The visits with patient, account and what they count as, in a fixed number of queries."""
    courses = _courses({visit.course_id for visit in visits})
    if reasons is None and visits:
        days = [visit.day for visit in visits]
        reasons = reasons_between(departments=list(departments), first=min(days), last=max(days))
    for visit in visits:
        course = courses[visit.course_id]
        yield VisitRow(
            day=visit.day,
            department=departments[visit.department_id].name,
            course=course,
            fractions=visit.fractions,
            session_url=reverse("session-detail", args=[visit.session_id]) if visit.session_id else "",
            counted=[str(COLUMN_LABELS[column]) for column in Column if column in visit.columns],
            gaps=[_gap_view(gap, visit, user, (reasons or {}).get(place_of(gap)), may_say) for gap in visit.gaps],
        )


def _gap_view(gap: Gap, visit: ReconciledVisit, user: User, reason: GapReason | None, may_say: bool) -> GapView:
    anchor = f"gap-{gap.kind.value}-{gap.course_id}-{gap.session_id or f'planned-{visit.planned_id}'}"
    named = {"kind": gap.kind.value, "course": str(gap.course_id), "session": str(gap.session_id or "")}
    return GapView(
        kind=str(KIND_LABELS[gap.kind]),
        detail=gap.detail,
        fixes=list(_fixes(gap, visit, user)),
        anchor=anchor,
        reason=reason,
        form=GapReasonForm(initial=named, auto_id=f"{anchor}-%s") if may_say and reason is None else None,
    )


def _fixes(gap: Gap, visit: ReconciledVisit, user: User) -> Iterator[Fix]:
    """Where the gap is put right, as far as the person may."""
    if gap.kind is GapKind.MISSED_WITHOUT_REASON:
        if user.has_perm("portal.add_treatmentsession"):
            asked = urlencode({"course": gap.course_id, "date": gap.day.isoformat()})
            yield Fix(_("Enter session"), f"{reverse('session-create')}?{asked}")
            of_machine = urlencode({"machine": visit.machine_id, "date": gap.day.isoformat()})
            yield Fix(_("Open day sheet"), f"{reverse('day-sheet')}?{of_machine}")
        if user.has_perm("portal.change_scheduledfraction"):
            yield Fix(_("Say why missed"), reverse("fraction-missed", args=[visit.planned_id]))
    if gap.kind is GapKind.AUTHORIZATION_SHORT and user.has_perm("payers.add_authorization"):
        yield Fix(_("Enter authorization"), reverse("authorization-create", args=[gap.course_id]))
    if gap.session_id:
        yield Fix(_("Open session"), reverse("session-detail", args=[gap.session_id]))
    if visit.hold_id and gap.kind in (GapKind.DELIVERED_NOT_CHARGED, GapKind.OVER_PRESCRIPTION):
        yield Fix(_("Open hold"), reverse("hold-detail", args=[visit.hold_id]))
    if gap.session_id and gap.kind is GapKind.CHARGED_NOT_DELIVERED:
        yield Fix(_("Why it is charged"), reverse("session-why", args=[gap.session_id]))
    if gap.kind in (GapKind.DUPLICATE, GapKind.EXTRA, GapKind.OVER_PRESCRIPTION, GapKind.AUTHORIZATION_SHORT):
        yield Fix(_("Open course"), reverse("course-detail", args=[gap.course_id]))


def days_to_sign(found: Reconciliation, departments: Mapping[int, Department], now: datetime) -> list[DayToSign]:
    """Past days with a visit that nobody signed off, and signed ones in which gaps came up since, the oldest first."""
    signed = _signed(departments, found.first, found.last)
    reasons = reasons_between(departments=list(departments), first=found.first, last=found.last)
    with_reason: dict[tuple[date, int], int] = {}
    for visit in found.visits:
        place = (visit.day, visit.department_id)
        with_reason[place] = with_reason.get(place, 0) + sum(place_of(gap) in reasons for gap in visit.gaps)
    days = []
    for (day, department_id), counted in found.by_day().items():
        department = departments[department_id]
        row = DayToSign(
            day=day,
            department=department,
            url=day_url(department_id, day),
            delivered=counted.columns[Column.DELIVERED] or 0,
            gaps=counted.gap_count,
            with_reason=with_reason[(day, department_id)],
            is_signed=(department_id, day) in signed,
        )
        is_over = day < now.astimezone(department.zone).date()
        if is_over and (not row.is_signed or row.gaps_open):
            days.append(row)
    return days[::-1]


def day_url(department_id: int, day: date) -> str:
    return f"{reverse('reconciliation-day', args=[department_id])}?day={day.isoformat()}"


def _signed(departments: Mapping[int, Department], first: date, last: date) -> set[tuple[int, date]]:
    signed = DaySignOff.objects.filter(department__in=list(departments), day__range=(first, last))
    return set(signed.values_list("department", "day"))


def _courses(wanted) -> dict[int, Course]:
    return Course.objects.select_related("patient").prefetch_related("prescriptions").in_bulk(list(wanted))


def _pages(shown, count_text: str, address: str, kept: Mapping[str, Any]) -> Pages:
    def url(number: int) -> str:
        return f"{address}?{urlencode({**kept, 'page': number})}"

    return Pages(
        count_text,
        url(shown.previous_page_number()) if shown.has_previous() else "",
        url(shown.next_page_number()) if shown.has_next() else "",
    )


def tallies_table(page: ReconciliationPage) -> Iterator[list[Any]]:
    """The tab as a table for a file; what is not known says so."""
    is_by_course = page.view == BY_COURSE
    first = [_("Course"), _("Patient")] if is_by_course else [_("Date of service"), _("Department")]
    yield [
        *first,
        *page.headings,
        *(str(KIND_LABELS[kind]) for kind in GapKind),
        *([] if is_by_course else [_("State")]),
    ]
    for row in page.all_rows():
        gaps = {number.label: number.count for number in row.gaps}
        yield [
            harmless(row.title),
            harmless(row.facts),
            *(_known(number.count) for number in row.columns),
            *(_known(None) if kind in NOT_KNOWN_YET else gaps.get(str(KIND_LABELS[kind]), 0) for kind in GapKind),
            *([] if is_by_course else [row.state]),
        ]


def visits_table(page: VisitsPage) -> Iterator[list[Any]]:
    """Every row of the number as a table for a file: one visit a row."""
    columns = [column for column in Column if column is not Column.PAID]
    yield [
        _("Date of service"),
        _("Department"),
        _("Account"),
        _("Fraction"),
        *(str(COLUMN_LABELS[column]) for column in columns),
        _("Gaps"),
    ]
    courses = _courses({visit.course_id for visit in page.visits})
    for visit in page.visits:
        yield [
            f"{visit.day:%m/%d/%Y}",
            harmless(page.departments[visit.department_id].name),
            harmless(courses[visit.course_id].account_number),
            visit.fractions,
            *(_("yes") if column in visit.columns else _("no") for column in columns),
            harmless("; ".join(f"{KIND_LABELS[gap.kind]}: {gap.detail}" for gap in visit.gaps)),
        ]


def _known(count: int | None) -> int | str:
    return _("not known yet") if count is None else count
