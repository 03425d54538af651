"""The command that prints the gaps: one JSON object, or words."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from coding.reconciliation import GapKind
from tests.builders import make_organization, make_session, make_treated_course

pytestmark = pytest.mark.django_db
WINDOW = ("--from", "2025-12-01", "--until", "2025-12-31")


@pytest.fixture
def course(roles):
    return make_treated_course(make_organization(slug="first-clinic"))


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def gaps_told(*arguments: str) -> dict:
    return json.loads(told(*arguments, "--json"))["gaps"]


def test_reconcile_prints_every_kind_and_null_where_not_known(course):
    session = make_session(course, fraction=1)

    gaps = gaps_told(*WINDOW)

    assert list(gaps) == [kind.value for kind in GapKind]
    assert gaps["exported_not_acknowledged"] is None
    assert gaps["paid_less_than_expected"] is None
    assert gaps["duplicate"] == []
    assert gaps["delivered_not_charged"] == [
        {
            "session": session.pk,
            "course": course.pk,
            "date_of_service": "2025-12-03",
            "detail": "Delivered, and its charges were not captured yet.",
        }
    ]


@pytest.mark.parametrize(
    ("first", "last", "number"),
    [
        ("2025-12-03", "2025-12-03", 1),
        ("2025-12-04", "2025-12-05", 0),
        ("2025-12-01", "2025-12-02", 0),
    ],
)
def test_reconcile_ends_are_inclusive(course, first, last, number):
    make_session(course, started_at=datetime(2025, 12, 3, 15, tzinfo=UTC), fraction=1)

    gaps = gaps_told("--from", first, "--until", last)

    assert len(gaps["delivered_not_charged"]) == number


def test_reconcile_of_another_organization(course):
    make_session(course, fraction=1)
    other = make_organization()

    gaps = gaps_told(*WINDOW, "--organization", other.slug)

    assert gaps["delivered_not_charged"] == []


def test_reconcile_in_words_names_no_patient(course):
    make_session(course, fraction=1)

    words = told(*WINDOW)

    assert "12/01/2025 through 12/31/2025: 1 visits." in words
    assert "not known yet" in words
    assert "12/03/2025  delivered_not_charged" in words
    assert course.patient.family_name not in words


def test_reconcile_refuses_a_window_that_ends_before_it_begins(course):
    with pytest.raises(CommandError, match="--until lies before --from"):
        told("--from", "2025-12-02", "--until", "2025-12-01")


def test_reconcile_names_the_organizations_where_one_is_not_known(course):
    with pytest.raises(CommandError, match="first-clinic"):
        told(*WINDOW, "--organization", "elsewhere")
