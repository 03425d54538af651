"""Contract rates at capture: which one stands on a day, what stays missing, and who follows a changed rate."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext

from coding.jobs import KINDS
from coding.models import ChargeLine, ContractRate, LineState, RecaptureItem, SessionRuling
from coding.rate_services import CAPTURED_AT_ONCE, save_rate
from coding.services import capture_charges, capture_from, mark_exported
from portal.models import AuditEvent, DepartmentSetting, JobState
from portal.services.jobs import work_off
from tests.builders import (
    make_coverage,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
DAY = date(2025, 12, 3)


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def admin(organization):
    return make_user(organization)


@pytest.fixture
def payer(organization):
    payer = make_payer(organization, kind="commercial")
    make_policy_version(payer, terms={"authorization_required": False})
    return payer


@pytest.fixture
def course(organization, payer):
    return make_treated_course(organization, payer=payer)


def make_rate(payer, **changes) -> ContractRate:
    """1,000 dollars for one 77386 in every setting from 2025 on."""
    return ContractRate.objects.create(
        **{
            "organization": payer.organization,
            "payer": payer,
            "code": "77386",
            "effective_from": date(2025, 1, 1),
            "amount": "1000.00",
            "source": "Contract of 2025, page 4",
        }
        | changes
    )


def unsaved_rate(payer, **changes) -> ContractRate:
    rate = {"code": "77386", "effective_from": date(2025, 1, 1), "amount": Decimal("1000"), "source": "Contract"}
    return ContractRate(organization=payer.organization, payer=payer, **rate | changes)


def captured(course, admin, day: date = DAY, **facts) -> dict[str, ChargeLine]:
    """The lines of one session on a day, by code."""
    make_session(course, fraction=1, started_at=datetime(day.year, day.month, day.day, 15, tzinfo=UTC), **facts)
    capture_charges(patient=course.patient, date_of_service=day, by=admin)
    return {line.code: line for line in ChargeLine.objects.live().filter(date_of_service=day)}


def test_own_rate_stands_before_the_national_one_and_says_so(course, payer, admin):
    make_rate(payer)

    line = captured(course, admin)["77386"]

    assert (line.expected_amount, line.expected_from) == (Decimal("1000.00"), "Contract from 01/01/2025")
    assert line.is_expected_by_contract


def test_without_an_own_rate_the_national_one_is_expected_as_before(course, admin):
    line = captured(course, admin)["77386"]

    assert line.expected_from == "OPPS 2025"
    assert not line.is_expected_by_contract


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 12, 1), ("1000.00", "Contract from 01/01/2025")),
        (date(2025, 12, 2), ("1200.00", "Contract from 12/02/2025")),
        (date(2025, 12, 3), ("1200.00", "Contract from 12/02/2025")),
    ],
)
def test_the_latest_rate_that_has_begun_on_the_day_is_expected(course, payer, admin, day, expected):
    make_rate(payer)
    make_rate(payer, effective_from=date(2025, 12, 2), amount="1200.00")

    line = captured(course, admin, day)["77386"]

    assert (str(line.expected_amount), line.expected_from) == expected


def test_before_the_first_rate_the_national_one_is_expected(course, payer, admin):
    make_rate(payer, effective_from=DAY + timedelta(days=1))

    assert captured(course, admin)["77386"].expected_from == "OPPS 2025"


def test_rate_of_the_setting_stands_before_a_later_one_for_every_setting(course, payer, admin):
    make_rate(payer, setting=DepartmentSetting.ON_CAMPUS, amount="900.00")
    make_rate(payer, effective_from=date(2025, 6, 1), amount="1200.00")

    assert captured(course, admin)["77386"].expected_amount == Decimal("900.00")


def test_rate_of_another_setting_is_not_expected(course, payer, admin):
    make_rate(payer, setting=DepartmentSetting.FREESTANDING)

    assert captured(course, admin)["77386"].expected_from == "OPPS 2025"


def test_rate_of_the_whole_code_says_nothing_of_its_professional_component(course, payer, admin):
    make_rate(payer, code="77387", amount="400.00")

    assert captured(course, admin)["77387"].expected_amount is None


def test_rate_of_the_professional_component_is_expected_for_it(course, payer, admin):
    make_rate(payer, code="77387", modifier="26", amount="55.00")

    assert captured(course, admin)["77387"].expected_amount == Decimal("55.00")


def test_rate_of_another_payer_or_organization_is_not_expected(course, admin, organization):
    make_rate(make_payer(organization))
    make_rate(make_payer(make_organization()))

    assert captured(course, admin)["77386"].expected_from == "OPPS 2025"


def test_rate_is_of_the_payer_whose_policy_ruled(organization, admin):
    first, second = make_payer(organization), make_payer(organization)
    make_policy_version(first, terms={"authorization_required": False})
    make_policy_version(second, terms={"authorization_required": False})
    course = make_treated_course(organization, payer=first)
    make_coverage(course.patient, second, rank=2)
    make_rate(second)

    assert captured(course, admin)["77386"].expected_from == "OPPS 2025"


def test_reduced_service_has_no_agreed_amount_and_is_missing_never_zero(course, payer, admin):
    make_rate(payer)

    line = captured(course, admin, completion="partial")["77386"]

    assert "52" in line.modifiers
    assert (line.expected_amount, line.expected_from) == (None, "")


def test_units_multiply_the_rate(organization, admin):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"bid": "units", "authorization_required": False})
    course = make_treated_course(organization, payer=payer)
    course.prescriptions.update(sessions_a_day=2)
    make_rate(payer)
    make_session(course, fraction=1)

    make_session(course, fraction=2, started_at=datetime(2025, 12, 3, 22, tzinfo=UTC))

    capture_charges(patient=course.patient, date_of_service=DAY, by=admin)
    line = ChargeLine.objects.live().get(code="77386")

    assert (line.units, line.expected_amount) == (2, Decimal("2000.00"))


def test_trace_cites_the_contract_beside_the_national_rate(course, payer, admin):
    make_rate(payer)

    steps = captured(course, admin)["77386"].ruling.trace.steps

    rules = [step["rule"] for step in steps if step["role"] == "delivery"]
    (step,) = [step for step in steps if step["rule"] == "contract_rate"]
    assert rules.index("contract_rate") == rules.index("national_rate") + 1
    assert step["citations"][0]["title"] == "Contract of 2025, page 4"


def test_capture_with_rates_asks_a_fixed_number_of_queries(organization, payer, admin):
    few, many = (make_treated_course(organization, payer=payer) for _ in range(2))
    for course, days in ((few, 2), (many, 9)):
        for day in range(days):
            make_session(course, fraction=day + 1, started_at=datetime(2025, 12, 1 + day, 15, tzinfo=UTC))
    for day in range(1, 9):
        make_rate(payer, effective_from=date(2025, 12, day))

    with CaptureQueriesContext(connection) as of_few:
        capture_from(patient=few.patient, day=date(2025, 12, 1), by=admin)
    with CaptureQueriesContext(connection) as of_many:
        capture_from(patient=many.patient, day=date(2025, 12, 1), by=admin)

    assert len(of_few) == len(of_many)


# A changed rate


def test_unsent_lines_follow_a_new_rate_from_its_first_day_on(course, payer, admin):
    captured(course, admin, DAY - timedelta(days=1))
    captured(course, admin)

    followed = save_rate(rate=unsaved_rate(payer, effective_from=DAY), organization=payer.organization, by=admin)

    lines = ChargeLine.objects.live().filter(code="77386").order_by("date_of_service")
    assert [line.expected_from for line in lines] == ["OPPS 2025", "Contract from 12/03/2025"]
    assert (followed.captured, followed.job) == (1, None)


def test_amended_rate_leaves_what_it_was_in_the_audit_trail(course, payer, admin):
    rate = make_rate(payer)
    line = captured(course, admin)["77386"]
    rate.amount = Decimal("1100.00")

    save_rate(rate=rate, organization=payer.organization, by=admin)

    event = AuditEvent.objects.about(rate).get(action="amend_contractrate", by=admin)
    assert event.changes["amount"] == ["1000.00", "1100.00"]
    assert ChargeLine.objects.live().get(code="77386").expected_amount == Decimal("1100.00")
    line.refresh_from_db()
    assert (line.expected_amount, line.replaced_in_id is None) == (Decimal("1000.00"), False)


def test_rate_moved_to_another_code_leaves_the_lines_of_the_first(course, payer, admin):
    rate = make_rate(payer)
    captured(course, admin)
    rate.code = "77412"

    save_rate(rate=rate, organization=payer.organization, by=admin)

    assert ChargeLine.objects.live().get(code="77386").expected_from == "OPPS 2025"


def test_exported_line_keeps_the_amount_that_it_left_with(course, payer, admin):
    line = captured(course, admin)["77386"]
    mark_exported(lines=[line], by=admin)
    before = (line.expected_amount, line.expected_from)

    save_rate(rate=unsaved_rate(payer), organization=payer.organization, by=admin)

    line.refresh_from_db()
    assert (line.expected_amount, line.expected_from) == before
    assert line.state == LineState.EXPORTED
    assert not ChargeLine.objects.filter(corrects=line).exists()
    assert SessionRuling.objects.filter(session=line.session).count() == 1


def test_day_that_waits_for_a_decision_under_a_new_policy_is_left_to_it(course, payer, admin):
    line = captured(course, admin)["77386"]
    version = line.ruling.policy_version
    item = RecaptureItem.objects.create(version=version, session=line.session, lines_before="a", lines_after="b")

    save_rate(rate=unsaved_rate(payer), organization=payer.organization, by=admin)

    item.refresh_from_db()
    assert item.state == "open"
    assert ChargeLine.objects.live().get(code="77386").expected_from == "OPPS 2025"


def test_many_lines_follow_by_the_worker(course, payer, admin):
    for day in range(CAPTURED_AT_ONCE + 1):
        make_session(course, fraction=day + 1, started_at=datetime(2025, 11, 1, 15, tzinfo=UTC) + timedelta(days=day))
    capture_from(patient=course.patient, day=date(2025, 11, 1), by=admin)

    followed = save_rate(rate=unsaved_rate(payer), organization=payer.organization, by=admin)
    before = ChargeLine.objects.live().filter(expected_from__startswith="Contract").count()
    work_off(kinds=KINDS)

    followed.job.refresh_from_db()
    assert (before, followed.captured) == (0, 0)
    assert (followed.job.state, followed.job.done) == (JobState.DONE, 1)
    assert followed.job.arguments == {"touched": [[payer.pk, "77386", "2025-01-01"]]}
    assert not ChargeLine.objects.live().filter(code="77386").exclude(expected_from__startswith="Contract").exists()


@pytest.mark.parametrize(
    "wrong", [{"amount": "-1"}, {"source": ""}, {"effective_from": date(1999, 12, 31)}], ids=["amount", "source", "day"]
)
def test_rate_that_cannot_be_true_is_refused_by_the_database(payer, wrong):
    with pytest.raises(IntegrityError):
        make_rate(payer, **wrong)


def test_second_rate_with_the_same_start_is_refused_by_the_database(payer):
    make_rate(payer)

    with pytest.raises(IntegrityError):
        make_rate(payer, amount="5.00")
