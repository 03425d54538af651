"""The filing clock: every line that is not exported by the days left, services on deleted codes, and proof."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.filing import Left, left_of, sunset
from coding.models import ChargeLine, LineState
from coding.presenters import filing as presenter
from coding.services import capture_from, mark_exported, void_charge_line
from payers.models import ClauseTopic
from tests.builders import (
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def payer(organization):
    """A payer that takes a first claim 90 days long."""
    payer = make_payer(organization, name="Ninety Days")
    make_policy_version(payer, terms={"timely_days": 90, "authorization_required": False})
    return payer


@pytest.fixture
def coder(organization):
    return make_user(organization, role="coder")


@pytest.fixture
def shown(client, coder):
    def asked(name: str, query: str = "", status: int = 200, args: tuple = ()) -> str:
        client.force_login(coder)
        response = client.get(f"{reverse(name, args=args)}?{query}")
        assert response.status_code == status
        return unescape(response.getvalue().decode())

    return asked


def treated(organization, day: date, payer=None, **changes):
    """A captured session of its own course on the day."""
    course = make_treated_course(organization, payer=payer)
    return treat(course, day, **changes)


def treat(course, day: date, **changes):
    session = make_session(course, started_at=datetime(day.year, day.month, day.day, 15, tzinfo=UTC), **changes)
    capture_from(patient=course.patient, day=day, by=None)
    return session


def rows_in(text: str) -> int:
    return text.count("data-row")


@pytest.mark.parametrize(
    ("days", "left"),
    [
        *((-1, Left.OVERDUE), (0, Left.WEEK), (7, Left.WEEK), (8, Left.MONTH), (30, Left.MONTH)),
        *((31, Left.TWO_MONTHS), (60, Left.TWO_MONTHS), (61, Left.LATER)),
    ],
)
def test_left_of_counts_from_the_day_it_is_asked(days, left) -> None:
    assert left_of(TODAY + timedelta(days=days), TODAY) is left


def test_left_of_is_unknown_without_a_limit() -> None:
    assert left_of(None, TODAY) is Left.UNKNOWN


def test_filing_clock_puts_each_line_into_one_group(organization, payer, shown) -> None:
    days_left = (-1, 0, 7, 8, 30, 31, 60, 61)
    days = [TODAY + timedelta(days=left - 90) for left in days_left]
    lines = [line for day in days for line in treated(organization, day, payer).charge_lines.all()]
    unlimited = make_payer(organization, name="No limit said")
    make_policy_version(unlimited, terms={"authorization_required": False})
    unknown = treated(organization, TODAY, unlimited).charge_lines.count()

    numbers = {left: rows_in(shown("filing-clock", f"left={left.value}")) for left in Left}

    of_one = len(lines) // len(days)
    assert numbers == {
        Left.OVERDUE: of_one,
        Left.WEEK: 2 * of_one,
        Left.MONTH: 2 * of_one,
        Left.TWO_MONTHS: 2 * of_one,
        Left.LATER: of_one,
        Left.UNKNOWN: unknown,
    }


def test_filing_clock_counts_are_the_rows_behind_them(client, organization, payer, coder) -> None:
    treated(organization, TODAY - timedelta(days=100), payer)
    treated(organization, TODAY - timedelta(days=80), payer)
    client.force_login(coder)

    counts = client.get(reverse("filing-clock")).context["counts"]

    shown = [rows_in(client.get(reverse("filing-clock") + count.url).getvalue().decode()) for count in counts]
    assert shown == [int(count.number) for count in counts]
    assert sum(shown) == ChargeLine.objects.live().count()


def test_filing_clock_reads_from_the_soonest_and_the_unknown_last(client, organization, payer, coder) -> None:
    later = treated(organization, TODAY - timedelta(days=1), payer)
    soon = treated(organization, TODAY - timedelta(days=85), payer)
    unlimited = make_payer(organization)
    make_policy_version(unlimited, terms={"authorization_required": False})
    unknown = treated(organization, TODAY, unlimited)
    client.force_login(coder)

    rows = client.get(reverse("filing-clock")).context["page"].rows

    assert list(dict.fromkeys(row.line.session_id for row in rows)) == [soon.pk, later.pk, unknown.pk]


def test_filing_clock_leaves_out_what_is_exported(organization, payer, shown, coder) -> None:
    session = treated(organization, date(2025, 12, 3), payer)
    mark_exported(lines=list(session.charge_lines.filter(state=LineState.READY)), by=coder)

    text = shown("filing-clock")

    assert "Nothing waits to be filed" in text


def test_filing_clock_pages_go_on_where_the_last_one_ended(client, organization, payer, coder, monkeypatch) -> None:
    monkeypatch.setattr(presenter, "ROWS_A_PAGE", 3)
    unlimited = make_payer(organization)
    make_policy_version(unlimited, terms={"authorization_required": False})
    sessions = [treated(organization, TODAY - timedelta(days=days), payer) for days in (3, 2)]
    sessions += [treated(organization, TODAY, unlimited) for _ in range(2)]
    client.force_login(coder)

    pages = [client.get(reverse("filing-clock")).context["page"]]
    pages.append(client.get(reverse("filing-clock") + pages[-1].next_url).context["page"])
    pages.append(client.get(reverse("filing-clock") + pages[-1].next_url).context["page"])

    seen = [row.line.pk for page in pages for row in page.rows]
    assert len(seen) == len(set(seen)) == ChargeLine.objects.live().count()
    assert pages[-1].next_url == ""


@pytest.mark.parametrize("key", ["after=nonsense", "after=2026-13-01,5", "after=none,x"])
def test_filing_clock_with_a_key_that_is_none_shows_the_first_page(organization, payer, shown, key) -> None:
    treated(organization, TODAY, payer)

    assert rows_in(shown("filing-clock", key)) > 0


def test_filing_clock_names_a_filter_that_cannot_be_read(shown) -> None:
    text = shown("filing-clock", "start=never", status=422)

    assert "Must be a real date" in text


def test_filing_clock_shows_nothing_of_another_organization(shown) -> None:
    treated(make_organization(), TODAY)

    assert "Nothing waits to be filed" in shown("filing-clock")


def test_filing_clock_asks_as_often_for_many_lines(client, organization, payer, coder) -> None:
    client.force_login(coder)
    treated(organization, TODAY, payer)
    client.get(reverse("filing-clock"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("filing-clock"))
    for days in range(1, 5):
        treated(organization, TODAY - timedelta(days=days), payer)

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("filing-clock"))

    assert len(many) == len(few)


def test_filing_clock_file_holds_the_rows_of_the_page(organization, payer, shown) -> None:
    treated(organization, TODAY - timedelta(days=85), payer)
    treated(organization, TODAY, payer)

    table = list(csv.reader(StringIO(shown("filing-clock-csv", "left=7").lstrip("\ufeff"))))

    assert table[0] == ["Days left", "Within 7 days"]
    assert len(table) - 3 == rows_in(shown("filing-clock", "left=7"))
    assert {row[1] for row in table[3:]} == {"5"}


# Services on deleted codes


def test_sunset_is_the_last_year_of_the_deleted_codes() -> None:
    period = sunset(TODAY)

    assert (period.first, period.last) == (date(2025, 1, 1), date(2025, 12, 31))
    assert {"77385", "77386", "G6015", "G6016"} <= period.codes
    assert "77407" not in period.codes


def test_sunset_is_none_before_any_code_was_deleted() -> None:
    assert sunset(date(2014, 12, 31)) is None


@pytest.mark.parametrize(
    ("day", "last_day"),
    [
        (date(2025, 11, 24), date(2026, 11, 24)),
        (date(2025, 12, 31), date(2026, 12, 31)),
    ],
)
def test_sunset_list_takes_medicare_to_the_same_date_next_year(client, organization, coder, day, last_day) -> None:
    treated(organization, day)
    client.force_login(coder)

    (row,) = client.get(reverse("filing-sunset")).context["page"].rows

    assert row.file_by == last_day
    assert [line.code for line in row.lines] == ["77386", "77014"]


def test_sunset_list_of_a_medicare_service_of_the_day_before_is_overdue(client, organization, coder) -> None:
    treated(organization, date(2025, 11, 23))
    client.force_login(coder)

    (row,) = client.get(reverse("filing-sunset")).context["page"].rows

    assert (row.left, row.deadline) == (Left.OVERDUE, "1 day over")


def test_sunset_list_holds_what_is_held_uncaptured_or_refused_and_nothing_else(client, organization, coder) -> None:
    day = date(2025, 12, 3)
    held_course = make_treated_course(organization)
    held_course.prescriptions.update(signed_at=None, signed_by=None)
    held = treat(held_course, day)
    uncaptured = make_session(make_treated_course(organization))
    exported = treated(organization, day)
    mark_exported(lines=list(exported.charge_lines.filter(state=LineState.READY)), by=coder)
    treated(organization, day, completion="not_started")
    treated(organization, day, is_inpatient=True, guidance="none")
    treated(organization, date(2026, 1, 5))
    client.force_login(coder)

    rows = client.get(reverse("filing-sunset")).context["page"].rows

    assert {row.session.pk: row.reasons for row in rows} == {held.pk: [], uncaptured.pk: ["Not captured yet"]}


def test_sunset_list_holds_what_a_person_voided_whole_and_what_was_captured_again_since(
    client, organization, coder
) -> None:
    day = date(2025, 12, 3)
    voided, again, in_part = (treated(organization, day) for _number in range(3))
    for line in [*voided.charge_lines.all(), *again.charge_lines.all(), in_part.charge_lines.first()]:
        void_charge_line(line=line, reason="Billed by the other hospital", by=coder)
    again.course.prescriptions.update(signed_at=None, signed_by=None)
    capture_from(patient=again.course.patient, day=day, by=None)
    client.force_login(coder)

    rows = client.get(reverse("filing-sunset")).context["page"].rows

    assert again.rulings.count() == 2
    assert {row.session.pk: len(row.lines) for row in rows} == {voided.pk: 0, again.pk: 0, in_part.pk: 1}


def test_sunset_list_is_narrowed_to_how_a_service_stands(organization, shown) -> None:
    treated(organization, date(2025, 12, 3))
    make_session(make_treated_course(organization))

    numbers = {
        standing: rows_in(shown("filing-sunset", f"standing={standing}")) for standing in ("none", "ready", "held")
    }

    assert numbers == {"none": 1, "ready": 1, "held": 0}


def test_sunset_counts_are_the_rows_behind_them(client, organization, coder) -> None:
    treated(organization, date(2025, 12, 3))
    treated(organization, date(2025, 11, 3))
    make_session(make_treated_course(organization))
    client.force_login(coder)

    counts = client.get(reverse("filing-sunset")).context["counts"]

    shown = [rows_in(client.get(reverse("filing-sunset") + count.url).getvalue().decode()) for count in counts]
    assert shown == [int(count.number) for count in counts]
    assert sum(shown) == 3


def test_sunset_list_says_that_denied_is_not_known(shown) -> None:
    assert "Denied services are not known yet" in shown("filing-sunset")


def test_sunset_list_asks_as_often_for_many_services(client, organization, coder) -> None:
    client.force_login(coder)
    treated(organization, date(2025, 12, 3))
    client.get(reverse("filing-sunset"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("filing-sunset"))
    for days in range(1, 5):
        treated(organization, date(2025, 12, 3 + days))

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("filing-sunset"))

    assert len(many) == len(few)


def test_sunset_file_holds_the_rows_of_the_page(organization, shown) -> None:
    treated(organization, date(2025, 12, 3))
    make_session(make_treated_course(organization))

    table = list(csv.reader(StringIO(shown("filing-sunset-csv").lstrip("\ufeff"))))

    assert [row[7:9] for row in table[3:]] == [
        ["77386 x1 + 77014-26 x1", "Ready, Ready"],
        ["", "Without a line"],
    ]


# Limits


def test_limits_show_the_last_day_of_a_date_of_service_and_only_what_has_a_source(organization, shown) -> None:
    payer = make_payer(organization, name="Careful Plan")
    version = make_policy_version(payer, terms={"timely_days": 90}, publish=False)
    version.clauses.create(
        position=9, topic=ClauseTopic.APPEALS, summary="Appeal within 180 days.", citation_title="Provider manual"
    )
    version.clauses.create(
        position=10, topic=ClauseTopic.CODES, summary="Says nothing of filing.", citation_title="Provider manual"
    )
    version.status, version.submitted_at = "in_review", datetime(2026, 11, 24, 11, tzinfo=UTC)
    version.save()
    version.status, version.published_at = "published", datetime(2026, 11, 24, 12, tzinfo=UTC)
    version.save()

    text = shown("filing-limits", "on=2025-12-03")

    assert "03/03/2026" in text
    assert "Appeal within 180 days." in text
    assert "Says nothing of filing." not in text


def test_limits_of_a_payer_without_a_limit_are_not_known(organization, shown) -> None:
    make_policy_version(make_payer(organization, name="Silent Plan"))

    text = shown("filing-limits")

    assert "Silent Plan" in text
    assert "not known" in text


def test_limits_ask_as_often_for_many_payers(client, organization, coder) -> None:
    client.force_login(coder)
    make_policy_version(make_payer(organization), terms={"timely_days": 90})
    client.get(reverse("filing-limits"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("filing-limits"))
    for _ in range(4):
        make_policy_version(make_payer(organization), terms={"timely_days": 90})

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("filing-limits"))

    assert len(many) == len(few)


# Proof


@pytest.fixture
def exported(organization, payer, coder):
    """A line of 2025-12-03 that the coder exported; the payer's 90 days end on 2026-03-03."""
    line = treated(organization, date(2025, 12, 3), payer).charge_lines.filter(state=LineState.READY).first()
    mark_exported(lines=[line], by=coder)
    return line


def test_proof_tells_who_exported_the_line_when_and_by_which_limit(client, exported, coder) -> None:
    client.force_login(coder)

    page = client.get(reverse("filing-proof", args=[exported.pk])).context["page"]

    assert page.exported.by == coder
    assert page.exported_on == page.exported.at.astimezone(exported.session.department.zone).date()
    assert page.file_by == date(2026, 3, 3)
    assert page.limit_words == "90 days from the date of service"
    assert page.clause_url.endswith("?on=2025-12-03#term-timely_days")
    assert any("moved from ready to exported" in row.sentence for row in page.history)


@pytest.mark.parametrize(
    ("is_in_time", "words"),
    [(True, "in time: the last day was 03/03/2026"), (False, "after the last day, 03/03/2026")],
)
def test_proof_judges_an_export_by_the_last_day(client, exported, coder, is_in_time, words) -> None:
    client.force_login(coder)
    page = client.get(reverse("filing-proof", args=[exported.pk])).context["page"]

    judged = replace(page, is_in_time=is_in_time)

    assert words in judged.verdict


def test_proof_says_what_it_does_not_prove_and_names_its_trace(organization, payer, shown) -> None:
    line = treated(organization, TODAY, payer).charge_lines.first()

    text = shown("filing-proof", args=(line.pk,))

    assert "Not exported: the portal holds no filing of this line." in text
    assert "does not show that the payer received the claim" in text
    assert line.ruling.trace_id in text


def test_proof_without_a_limit_judges_nothing(client, organization, coder) -> None:
    unlimited = make_payer(organization)
    make_policy_version(unlimited, terms={"authorization_required": False})
    line = treated(organization, date(2025, 12, 3), unlimited).charge_lines.filter(state=LineState.READY).first()
    mark_exported(lines=[line], by=coder)
    client.force_login(coder)

    page = client.get(reverse("filing-proof", args=[line.pk])).context["page"]

    assert page.is_in_time is None
    assert "The limit is not known" in page.verdict
