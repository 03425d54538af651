"""The gaps that the demo says it has are those that reconciliation finds."""

from datetime import UTC, datetime

import pytest

from coding.demo_clinic import Clinic
from coding.demo_day import add_days_to_enter, add_example_courses, work_on_holds
from coding.demo_gaps import EXPECTED_GAPS, FIRST_KNOWN, LAST_KNOWN, add_gaps
from coding.reconciliation import KNOWN, reconcile

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def clinic() -> Clinic:
    """The demo's clinic with its traps and examples, and fewer of its other courses."""
    clinic = Clinic(name="Riverbend Care", slug="riverbend", suffix="", courses=3, recent=2, now=NOW, password="!")
    clinic.add_traps()
    add_example_courses(clinic)
    add_days_to_enter(clinic)
    clinic.capture()
    clinic.work_a_little()
    work_on_holds(clinic)
    add_gaps(clinic)
    return clinic


def test_demo_has_exactly_the_gaps_that_it_says(clinic: Clinic) -> None:
    found = reconcile(organization=clinic.organization, first=FIRST_KNOWN, last=LAST_KNOWN, now=NOW)

    assert {kind: len(found.gaps[kind]) for kind in KNOWN} == EXPECTED_GAPS
    assert all(EXPECTED_GAPS.values())
