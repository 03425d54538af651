"""The filing clock as pages show it: lines and services by days left, limits by payer, and the proof of one line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.filing import (
    FILE_BY_OF_LINE,
    FILE_BY_OF_SESSION,
    FilingLimit,
    Left,
    Standing,
    Sunset,
    after,
    count_by_left,
    exported_events,
    left_of,
    left_wanted,
    limit_under,
    sunset_services,
    unfiled_lines,
    with_unfiled,
)
from coding.forms.filing import FilingForm, SunsetForm
from coding.models import ChargeLine, LineState
from coding.presenters.line_history import HistoryRow, line_history
from coding.presenters.review import NarrowTo, ReviewRow, days_in_words, lines_told, review_rows, rows_of_all
from coding.reports import ChargeFilters, harmless
from portal.models import AuditEvent, TreatmentSession
from portal.presenters.audit import local_time
from portal.presenters.keyset import COUNTED_UP_TO, LARGEST_KEY, ROWS_A_PAGE, counted
from portal.presenters.rulings import finding_title
from portal.services.answers import Person, Query, answer

NO_LIMIT = "none"


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A session on deleted codes that was not exported, its lines or why there is none, and the days left."""

    session: TreatmentSession
    payer: str
    lines: list[ChargeLine]
    reasons: list[str]
    file_by: date | None
    left: Left
    deadline: str


@dataclass(frozen=True, slots=True)
class DeadlinePage:
    """One page of rows, the soonest deadline first, and how many the other filters leave in each group of days left."""

    rows: list[Any]
    count_text: str
    first_url: str
    next_url: str
    counts: list[NarrowTo]


def filing_page(form: FilingForm, *, asked: Mapping[str, str]) -> DeadlinePage:
    """One page of the lines that a valid form leaves, in a fixed number of queries; `asked` names the page."""
    today, filters = form.choices.today, form.filters
    lines = unfiled_lines(user=form.user, filters=filters, left=form.days_left, today=today)
    numbers = {Left(value): number for value, number in answer(_by_left_sql(Person.of(form.user), filters, today))}
    return _page(lines, FILE_BY_OF_LINE, asked, form, _lines_told(today), numbers)


# Putting this together takes longer than its answer, and most people ask the same.
@lru_cache(maxsize=200)
def _by_left_sql(person: Person, filters: ChargeFilters, today: date) -> Query:
    """The query that counts each group by its part of an index, and no further than the page says."""
    counts: list[str] = []
    values: list[Any] = []
    for left in Left:
        lines = unfiled_lines(user=person.as_user, filters=filters, left=left, today=today).order_by().values("pk")
        sql, of_lines = lines[: COUNTED_UP_TO + 1].query.sql_with_params()
        counts.append(f"SELECT %s, count(*) FROM ({sql}) lines")
        values += [left.value, *of_lines]
    return " UNION ALL ".join(counts), tuple(values)


def _lines_told(today: date) -> Callable[[list[int]], dict[int, ReviewRow]]:
    def told(keys: list[int]) -> dict[int, ReviewRow]:
        rows = review_rows(lines_told(ChargeLine.objects.filter(pk__in=keys)), today)
        return {row.line.pk: row for row in rows}

    return told


def sunset_page(form: SunsetForm, period: Sunset, *, asked: Mapping[str, str]) -> DeadlinePage:
    """One page of the services on deleted codes that a valid form leaves, in a fixed number of queries."""
    today, filters = form.choices.today, form.filters
    services = sunset_services(user=form.user, period=period, filters=filters, left=None, today=today)
    wanted = Q() if form.days_left is None else left_wanted(form.days_left, field=FILE_BY_OF_SESSION, today=today)

    def told(keys: list[int]) -> dict[int, ServiceRow]:
        return {
            row.session.pk: row for row in _service_rows(TreatmentSession.objects.filter(pk__in=keys), period, today)
        }

    numbers = count_by_left(services, field=FILE_BY_OF_SESSION, today=today)
    return _page(services.filter(wanted), FILE_BY_OF_SESSION, asked, form, told, numbers)


def _page(
    wanted: QuerySet,
    path: str,
    asked: Mapping[str, str],
    form: FilingForm | SunsetForm,
    told: Callable[[list[int]], dict[int, Any]],
    numbers: Mapping[Left, int],
) -> DeadlinePage:
    """The keys of the page are found first, and only its rows are told in full."""
    key, kept = deadline_key(asked.get("after", "")), form.kept
    found = list(after(wanted, field=path, key=key).values_list(path, "pk")[: ROWS_A_PAGE + 1])
    shown = found[:ROWS_A_PAGE]
    rows = told([pk for _day, pk in shown])
    last = shown[-1] if len(found) > ROWS_A_PAGE else None
    return DeadlinePage(
        rows=[rows[pk] for _day, pk in shown],
        count_text=counted(sum(numbers.values()) if form.days_left is None else numbers[form.days_left]),
        first_url="?" + urlencode(kept) if key is not None else "",
        next_url="?" + urlencode({**kept, "after": deadline_address(last)}) if last else "",
        counts=list(_counts(form, numbers)),
    )


def deadline_key(text: str) -> tuple[date | None, int] | None:
    """A key of day and id; what cannot be read as one gives the first page."""
    day, _comma, pk = text.partition(",")
    if not (pk.isascii() and pk.isdigit() and len(pk) < 20 and int(pk) <= LARGEST_KEY):
        return None
    if day == NO_LIMIT:
        return None, int(pk)
    try:
        return date.fromisoformat(day), int(pk)
    except ValueError:
        return None


def deadline_address(key: tuple[date | None, int]) -> str:
    day, pk = key
    return f"{day.isoformat() if day else NO_LIMIT},{pk}"


def _counts(form: FilingForm | SunsetForm, numbers: Mapping[Left, int]) -> Iterator[NarrowTo]:
    others = {key: value for key, value in form.kept.items() if key != "left"}
    for left in Left:
        is_chosen = form.days_left is left
        url = "?" + urlencode(others if is_chosen else others | {"left": left.value})
        yield NarrowTo(left.value, str(left.label), counted(numbers[left]), url, is_chosen)


def _service_rows(sessions: QuerySet, period: Sunset, today: date) -> Iterator[ServiceRow]:
    for session in with_unfiled(sessions, period):
        ruling = next(iter(session.current_rulings), None)
        version = ruling.policy_version if ruling else None
        file_by = ruling.file_by if ruling else None
        yield ServiceRow(
            session=session,
            payer=version.policy.payer.name if version else "",
            lines=session.unfiled,
            reasons=[] if session.unfiled else _why_without_line(ruling),
            file_by=file_by,
            left=left_of(file_by, today),
            deadline=days_in_words((file_by - today).days) if file_by else "",
        )


def _why_without_line(ruling: Any) -> list[str]:
    """What the ruling found that leaves no line, or that there is no ruling yet."""
    if ruling is None:
        return [_("Not captured yet")]
    found = [finding["name"] for finding in ruling.findings if finding["severity"] != "note"]
    return [finding_title(name) for name in found] or [_("Voided, or nothing was found to charge")]


def filing_csv(form: FilingForm) -> Iterator[list[str]]:
    """The rows of a file with every line that the filters leave, the soonest deadline first, headed by the filters."""
    yield from _filters_told(form)
    yield [
        *(_("Last day to file"), _("Days left"), _("Date of service"), _("Department"), _("Patient record number")),
        *(_("Account number"), _("Payer"), _("Claim form"), _("Code"), _("Modifiers"), _("Units"), _("State")),
        _("Reasons"),
    ]
    today = form.choices.today
    lines = unfiled_lines(user=form.user, filters=form.filters, left=form.days_left, today=today)
    for row in rows_of_all(after(lines, field=FILE_BY_OF_LINE, key=None), today):
        line = row.line
        yield [
            row.file_by.isoformat() if row.file_by else _("not known"),
            str(row.days_left) if row.days_left is not None else _("not known"),
            line.date_of_service.isoformat(),
            harmless(line.department),
            harmless(line.patient_number),
            harmless(line.account_number),
            harmless(row.payer),
            row.claim_form,
            line.code,
            " ".join(line.modifiers),
            str(line.units),
            str(LineState(line.state).label),
            harmless("; ".join(reason.title for reason in row.reasons)),
        ]


def sunset_csv(form: SunsetForm, period: Sunset) -> Iterator[list[str]]:
    """The rows of a file with every service that the filters leave, headed by the filters."""
    yield from _filters_told(form)
    yield [
        *(_("Last day to file"), _("Days left"), _("Date of service"), _("Department"), _("Patient record number")),
        *(_("Account number"), _("Payer"), _("Lines"), _("Stands"), _("Reasons")),
    ]
    today = form.choices.today
    services = sunset_services(user=form.user, period=period, filters=form.filters, left=form.days_left, today=today)
    keys = list(after(services, field=FILE_BY_OF_SESSION, key=None).values_list("pk", flat=True))
    for start in range(0, len(keys), 500):
        chunk = keys[start : start + 500]
        rows = {
            row.session.pk: row for row in _service_rows(TreatmentSession.objects.filter(pk__in=chunk), period, today)
        }
        for row in (rows[pk] for pk in chunk):
            course = row.session.course
            yield [
                row.file_by.isoformat() if row.file_by else _("not known"),
                str((row.file_by - today).days) if row.file_by else _("not known"),
                row.session.date_of_service.isoformat(),
                harmless(row.session.department.name),
                harmless(course.patient.number),
                harmless(course.account_number),
                harmless(row.payer),
                harmless(" + ".join(map(str, row.lines))),
                ", ".join(str(LineState(line.state).label) for line in row.lines) or str(Standing.WITHOUT_LINE.label),
                harmless("; ".join(row.reasons)),
            ]


def _filters_told(form: FilingForm | SunsetForm) -> Iterator[list[str]]:
    for label, value in form.in_words or [(_("Filters"), _("none: everything that is not exported"))]:
        yield [harmless(label), harmless(value)]
    yield []


@dataclass(frozen=True, slots=True)
class ProofPage:
    """What the portal holds on the filing of one line. `exported` is the first export of its place, if any.

    `is_in_time` is None where the limit is not known or nothing was exported.
    """

    line: ChargeLine
    made_at: str
    session_time: str
    payer: str
    limit: FilingLimit | None
    limit_words: str
    clause_url: str
    file_by: date | None
    exported: AuditEvent | None
    exported_on: date | None
    exported_at: str
    is_in_time: bool | None
    captured_at: str
    history: list[HistoryRow] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """What the rows say, in one sentence."""
        if self.exported is None:
            return _("Not exported: the portal holds no filing of this line.")
        if self.is_in_time is None:
            return _("Exported on %(day)s. The limit is not known, so whether that was in time is not either.") % {
                "day": f"{self.exported_on:%m/%d/%Y}"
            }
        words = {"day": f"{self.exported_on:%m/%d/%Y}", "last": f"{self.file_by:%m/%d/%Y}"}
        if self.is_in_time:
            return _("Exported on %(day)s, in time: the last day was %(last)s.") % words
        return _("Exported on %(day)s, after the last day, %(last)s.") % words


def proof_page(line: ChargeLine, *, now: datetime) -> ProofPage:
    """The proof of one line; its session, department, ruling and policy version are read."""
    session, ruling = line.session, line.ruling
    zone = session.department.zone
    of_place = list(
        ChargeLine.objects.filter(session=session, claim_form=line.claim_form, role=line.role).order_by("pk")
    )
    version = ruling.policy_version
    limit = limit_under(version, line.date_of_service) if version else None
    exported = next(iter(exported_events(of_place)), None)
    exported_on = exported.at.astimezone(zone).date() if exported else None
    is_judged = exported_on is not None and ruling.file_by is not None
    holds = [hold for hold in session.holds.select_related("released_by", "placed_by") if hold.applies_to(line)]
    return ProofPage(
        line=line,
        made_at=local_time(now, zone),
        session_time=local_time(session.started_at, zone),
        payer=version.policy.payer.name if version else "",
        limit=limit,
        limit_words=limit_in_words(limit) if limit else "",
        clause_url=_clause_url(limit, line.date_of_service) if limit else "",
        file_by=ruling.file_by,
        exported=exported,
        exported_on=exported_on,
        exported_at=local_time(exported.at, zone) if exported else "",
        is_in_time=exported_on <= ruling.file_by if is_judged else None,
        captured_at=local_time(ruling.captured_at, zone),
        history=line_history(line, of_place, holds)[::-1],
    )


def limit_in_words(limit: FilingLimit) -> str:
    """A payer's limit for a first claim as people say it."""
    if limit.last_day is None:
        return _("not known: neither the payer's policy nor the house says one")
    if limit.days is None:
        return _("one calendar year from the date of service")
    return ngettext("%(n)d day from the date of service", "%(n)d days from the date of service", limit.days) % {
        "n": limit.days
    }


def _clause_url(limit: FilingLimit, on: date) -> str:
    if limit.version is None or limit.last_day is None or limit.is_house_default:
        return ""
    return f"{reverse('guidance-detail', args=[limit.payer.slug])}?on={on.isoformat()}#term-timely_days"
