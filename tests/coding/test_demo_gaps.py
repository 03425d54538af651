"""The gaps that the demo says it has are those that reconciliation finds."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from coding.demo_clinic import Clinic
from coding.demo_day import add_days_to_enter, add_example_courses, work_on_holds
from coding.demo_gaps import EXPECTED_GAPS, FIRST_KNOWN, LAST_KNOWN, add_gaps
from coding.reconciliation import KNOWN, GapKind, reconcile

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


def test_demo_has_exactly_the_gaps_that_it_says_and_each_number_opens_its_rows(clinic: Clinic, client: Client) -> None:
    found = reconcile(organization=clinic.organization, first=FIRST_KNOWN, last=LAST_KNOWN, now=NOW)
    client.force_login(clinic.users["manager"])
    page = client.get(reverse("reconciliation"), {"start": FIRST_KNOWN, "end": LAST_KNOWN}).context["page"]
    shown = {kind: number for kind, number in zip(GapKind, page.kinds, strict=True) if number.count is not None}

    rows = {kind: client.get(number.url).context["page"].pages.count_text for kind, number in shown.items()}

    assert {kind: len(found.gaps[kind]) for kind in KNOWN} == EXPECTED_GAPS
    assert all(EXPECTED_GAPS.values())
    assert {kind: number.count for kind, number in shown.items()} == EXPECTED_GAPS
    assert rows == {kind: f"{number} visits" for kind, number in EXPECTED_GAPS.items()}
