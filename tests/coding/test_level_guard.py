"""The guard of level 3: the mix against the band, checklists behind each number, and a course as if audited today."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding import level_guard
from coding.level_guard import Band, Evidence, Grouping, LevelFilters, level_lines, level_mix, levels_on
from coding.models import ChargeRollup
from coding.rollups import refresh_rollups
from coding.services import capture_from
from tests.builders import make_organization, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 2)
SINCE = "start=2026-01-01&end=2026-06-30"


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def manager(organization):
    return make_user(organization, role="manager")


@pytest.fixture
def page_of(client, manager):
    def asked(name: str, query: str = SINCE, *args):
        client.force_login(manager)
        return client.get(f"{reverse(name, args=args)}?{query}").context["page"]

    return asked


def treated(organization, *, isocenters="single", motion="none", documentation="", days=1, since=DAY, **changes):
    """A course with captured sessions on consecutive days, of March 2026 where no other are asked for."""
    course = make_treated_course(organization, **changes)
    course.prescriptions.update(isocenters=isocenters, motion_management=motion, motion_documentation=documentation)
    for number in range(days):
        day = since + timedelta(days=number)
        make_session(course, started_at=datetime(day.year, day.month, day.day, 15, tzinfo=UTC), fraction=number + 1)
    capture_from(patient=course.patient, day=since, by=None)
    return course


def missing_of(row) -> list[Evidence]:
    return [checked.evidence for checked in row.missing]


def test_levels_are_those_that_the_codebook_has_on_the_day() -> None:
    levels = levels_on(date(2026, 11, 24))

    assert (levels.codes, levels.highest, levels.first) == (("77407", "77412"), "77412", date(2026, 1, 1))


def test_levels_are_none_while_technique_tells_codes_apart() -> None:
    assert levels_on(date(2014, 12, 31)) is None


def test_mix_numbers_open_exactly_their_rows(client, organization, manager, page_of) -> None:
    treated(organization, days=3)
    treated(organization, isocenters="multiple", days=2)

    page = page_of("level-guard")

    numbers = [number for row in [*page.rows, page.total] for number in row.numbers]
    rows = [client.get(number.url).content.decode().count("data-row") for number in numbers]
    assert rows == [number.number for number in numbers]
    assert [number.number for number in page.total.numbers] == [3, 2]
    assert page.total.share == "40.0 %"


def counted(lines, grouping) -> Counter:
    """Sessions of each physician or machine by month and code, counted line by line."""
    told = lines.values_list(f"session__{grouping.value}", "date_of_service", "code")
    return Counter((key, day.replace(day=1), code) for key, day, code in told)


@pytest.mark.parametrize("is_refreshed", [False, True])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 1, 1), date(2026, 6, 30)),
        (date(2026, 3, 1), date(2026, 3, 31)),
        (date(2026, 2, 27), date(2026, 3, 31)),
        (date(2026, 3, 1), date(2026, 4, 1)),
        (date(2026, 2, 27), date(2026, 4, 1)),
        (date(2026, 3, 3), date(2026, 3, 30)),
        (date(2026, 3, 31), date(2026, 4, 1)),
    ],
)
@pytest.mark.parametrize("grouping", Grouping)
def test_mix_of_any_days_counts_the_lines_of_those_days(
    organization, manager, is_refreshed, first, last, grouping
) -> None:
    """Sessions on both sides of both turns of March, of several physicians, on a machine and on none."""
    for started_on in (date(2026, 2, 26), date(2026, 3, 30)):
        course = treated(organization, days=4, since=started_on)
    course.sessions.update(machine=course.department.machines.get())
    treated(organization, isocenters="multiple", days=2)
    assert bool(is_refreshed and refresh_rollups()) is is_refreshed
    levels = levels_on(last)
    chosen = [LevelFilters(first, last), LevelFilters(first, last, department_id=course.department_id)]

    mixes = [level_mix(user=manager, levels=levels, filters=one, grouping=grouping) for one in chosen]

    told = [
        {(row.key, row.month, code): n for row in rows for code, n in row.mix.numbers.items() if n} for rows in mixes
    ]
    assert told == [counted(level_lines(user=manager, levels=levels, filters=one), grouping) for one in chosen]


def test_mix_of_whole_months_comes_from_what_is_kept(organization, page_of) -> None:
    treated(organization, days=2)
    refresh_rollups()
    ChargeRollup.objects.update(lines=9)

    assert [number.number for number in page_of("level-guard").total.numbers] == [9, 0]


def test_mix_is_of_the_departments_that_the_person_sees(organization) -> None:
    seen, _unseen = treated(organization), treated(organization)
    refresh_rollups()
    person = make_user(organization, role="manager", sees_all_departments=False)
    person.departments.set([seen.department])

    (row,) = level_mix(
        user=person,
        levels=levels_on(DAY),
        filters=LevelFilters(DAY.replace(day=1), date(2026, 3, 31)),
        grouping=Grouping.PHYSICIAN,
    )

    assert (row.key, row.mix.sessions) == (seen.physician_id, 1)


def test_mix_by_machine_names_those_without_one(page_of, organization) -> None:
    treated(organization)

    page = page_of("level-guard", f"{SINCE}&by=machine")

    assert [(row.label, row.month) for row in page.rows] == [("Not named", "03/2026")]


def test_mix_of_few_sessions_is_not_judged(page_of, organization) -> None:
    treated(organization, isocenters="multiple")
    treated(organization, days=3)

    page = page_of("level-guard")

    assert {row.verdict for row in page.rows} == {"too few to judge"}


def test_mix_outside_the_band_of_the_own_average_is_told(page_of, organization, monkeypatch) -> None:
    monkeypatch.setattr(level_guard, "FEWEST_JUDGED", 2)
    treated(organization, isocenters="multiple", days=2)
    treated(organization, days=2)

    page = page_of("level-guard", f"{SINCE}&points=20")

    assert sorted(row.verdict for row in page.rows) == ["above the band", "below the band"]
    assert page.outside == 2
    assert page.band.startswith("30.0 % to 70.0 %")


def test_band_ends_at_nothing_and_at_all() -> None:
    assert (Band(Decimal("0.05"), 10).least, Band(Decimal("0.95"), 10).most) == (Decimal(0), Decimal(1))


@pytest.mark.parametrize("query", ["start=2026-06-30&end=2026-01-01", "start=2025-01-01&end=2026-06-30"])
def test_mix_names_days_that_it_cannot_show(client, manager, query) -> None:
    client.force_login(manager)

    assert client.get(f"{reverse('level-guard')}?{query}").status_code == 422


def test_mix_asks_as_often_for_many_physicians(client, manager, organization) -> None:
    client.force_login(manager)
    address = f"{reverse('level-guard')}?{SINCE}"
    treated(organization)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    treated(organization)
    treated(organization)

    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few)


def test_checklist_of_active_motion_without_its_documentation(page_of, organization) -> None:
    treated(organization, motion="active")

    (row,) = page_of("level-guard-sessions").rows

    assert missing_of(row) == [Evidence.MOTION]
    assert row.grounds.startswith("Active motion management, level 3")


def test_checklist_of_documented_motion_lacks_nothing(page_of, organization) -> None:
    treated(organization, motion="active", documentation="Gating window 3 mm, beam held outside.")

    (row,) = page_of("level-guard-sessions").rows

    assert missing_of(row) == []
    assert Evidence.ISOCENTERS not in [checked.evidence for checked in row.checklist]


def test_checklist_names_an_unsigned_prescription_and_images(page_of, organization) -> None:
    course = make_treated_course(organization)
    course.prescriptions.update(isocenters="multiple", signed_at=None, signed_by=None)
    make_session(course, started_at=datetime(2026, 3, 2, 15, tzinfo=UTC), image_review_signed_at=None)
    capture_from(patient=course.patient, day=DAY, by=None)

    (row,) = page_of("level-guard-sessions").rows

    assert missing_of(row)[0] is Evidence.PRESCRIPTION
    assert Evidence.IMAGES in missing_of(row)


def test_checklists_narrowed_to_what_is_missing(page_of, organization) -> None:
    treated(organization, motion="active", documentation="Gating window 3 mm, beam held outside.")
    lacking = treated(organization, motion="active")

    rows = page_of("level-guard-sessions", f"{SINCE}&show=missing").rows

    assert [row.line.session.course_id for row in rows] == [lacking.pk]


def test_checklists_ask_as_often_for_many_sessions(client, manager, organization) -> None:
    client.force_login(manager)
    address = f"{reverse('level-guard-sessions')}?{SINCE}"
    treated(organization, isocenters="multiple")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    treated(organization, isocenters="multiple", days=2)

    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few)


def test_checklists_of_another_organization_are_not_shown(page_of) -> None:
    treated(make_organization(), isocenters="multiple")

    assert page_of("level-guard-sessions").rows == []


def test_course_as_if_audited_names_its_gaps_and_tells_each_line(page_of, organization) -> None:
    course = treated(organization, motion="active", days=2)

    page = page_of("level-guard-course", "", course.pk)

    assert [(gap.label, gap.count_text) for gap in page.gaps] == [("Motion management documented", "2 sessions")]
    assert len(page.sessions) == 2
    assert page.lines == sum(len(session.lines) for session in page.sessions)
    assert page.sessions[0].lines[0].grounds.startswith("Active motion management, level 3")


def test_course_as_if_audited_without_a_charge_says_so(client, manager, organization) -> None:
    course = make_treated_course(organization)
    client.force_login(manager)

    text = client.get(reverse("level-guard-course", args=[course.pk])).content.decode()

    assert "Nothing of this course is charged yet." in text


def test_course_as_if_audited_asks_as_often_for_many_sessions(client, manager, organization) -> None:
    client.force_login(manager)
    short, long = treated(organization), treated(organization, days=4)
    client.get(reverse("level-guard-course", args=[short.pk]))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("level-guard-course", args=[short.pk]))

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("level-guard-course", args=[long.pk]))

    assert len(many) == len(few)
