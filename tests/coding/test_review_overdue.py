"""A policy that nobody compared with its sources for a year is a note on its lines, until it is compared again."""

from datetime import UTC, date, datetime

import pytest

from coding.models import SessionRuling
from coding.services import capture_charges, recapture_for_policy
from coding.shaping import PatientRecord, is_review_overdue, last_reviewed_on
from payers.services import record_review
from tests.builders import (
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
COMPARED = date(2025, 6, 1)


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def version(organization):
    return make_policy_version(make_payer(organization), terms={"bid": "59"}, reviewed_on=COMPARED)


@pytest.fixture
def review(organization, version):
    """The version is compared with its sources again on 1 November 2026."""
    return record_review(version=version, reviewed_on=date(2026, 11, 1), note="", at=NOW, by=make_user(organization))


def notes_of_session(version, day: date) -> list[str]:
    course = make_treated_course(version.policy.payer.organization, payer=version.policy.payer)
    session = make_session(course, started_at=datetime(day.year, day.month, day.day, 15, tzinfo=UTC), coded_on=day)
    capture_charges(patient=course.patient, date_of_service=day, by=None)
    findings = SessionRuling.objects.current().get(session=session).findings
    return [finding["sentence"] for finding in findings if finding["name"] == "POLICY_REVIEW_OVERDUE"]


@pytest.mark.parametrize(
    ("on", "is_overdue"), [(date(2026, 6, 1), False), (date(2026, 6, 2), True), (date(2025, 1, 1), False)]
)
def test_review_is_overdue_after_a_year(version, on, is_overdue):
    assert is_review_overdue(version, on) is is_overdue


def test_review_again_counts_from_its_day_and_not_before(version, review):
    assert last_reviewed_on(version, date(2026, 10, 31)) == COMPARED
    assert last_reviewed_on(version, date(2026, 11, 1)) == date(2026, 11, 1)


def test_clause_that_was_compared_earlier_makes_its_version_overdue(organization):
    version = make_policy_version(make_payer(organization), terms={"bid": "59"}, publish=False)
    version.clauses.update(reviewed_on=date(2025, 1, 1))

    assert last_reviewed_on(version, NOW.date()) == date(2025, 1, 1)


def test_overdue_review_is_a_note_on_the_line_until_it_is_compared_again(version, review):
    assert "06/01/2025" in notes_of_session(version, date(2026, 10, 30))[0]
    assert notes_of_session(version, date(2026, 11, 2)) == []


def test_review_changes_no_ruling_of_what_was_coded_before_it(organization, version):
    notes_of_session(version, date(2026, 10, 30))
    record_review(version=version, reviewed_on=date(2026, 11, 1), note="", at=NOW, by=make_user(organization))

    changed = recapture_for_policy(policy=version.policy, since=date(2026, 1, 1), by=None)

    assert changed == 0


def test_patient_record_asks_no_query_for_the_reviews_of_its_versions(
    organization, version, review, django_assert_num_queries
):
    course = make_treated_course(organization, payer=version.policy.payer)
    record = PatientRecord(course.patient)

    with django_assert_num_queries(0):
        is_review_overdue(record.versions[0], NOW.date())
