"""The navigation of the frame: who sees which place, which one a page stands in, how many holds it counts."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.urls import get_resolver, resolve, reverse

from coding.models import SessionHold
from coding.services import capture_from
from portal.context import frame, navigation, place_of
from tests.builders import make_course, make_department, make_organization, make_patient, make_session, make_user

pytestmark = pytest.mark.django_db
OUTSIDE = {"search", "sign-in", "sign-out", "password-change", "password-changed", "form-token"}


@pytest.fixture
def organization(roles):
    return make_organization()


def entries(user, url_name="setup-home"):
    """The entries of the frame around one page, by label."""
    request = RequestFactory().get(reverse(url_name))
    request.user, request.resolver_match = user, resolve(request.path)
    return {entry["label"]: entry for group in navigation(request) for entry in group["places"]}


def page_names(patterns=None):
    """Names of all addresses of ours."""
    for pattern in patterns or get_resolver().url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from page_names(pattern.url_patterns)
        else:
            yield pattern.name


# Places


def test_every_page_stands_in_a_place():
    homeless = [name for name in page_names() if name not in OUTSIDE and place_of(name) is None]

    assert homeless == []


@pytest.mark.parametrize(
    ("page", "label"),
    [
        ("code-transition", "2025 to 2026 codes"),
        ("code-detail", "Codes"),
        ("course-detail", "Patients and courses"),
        ("session-why", "Charge review"),
        ("payer-amend", "Set-up"),
        ("home", "Home"),
    ],
)
def test_place_of_takes_its_own_page_first_then_the_longest_beginning(page, label):
    assert place_of(page).label == label


def test_place_of_a_page_outside_is_none():
    assert place_of("sign-in") is None
    assert place_of("") is None


def test_frame_marks_one_place_and_tells_the_page_from_a_page_below(organization):
    user = make_user(organization, role="admin")

    on_it = [entry["here"] for entry in entries(user, "setup-home").values() if entry["here"]]
    below = [entry["here"] for entry in entries(user, "department-list").values() if entry["here"]]

    assert on_it == ["page"]
    assert below == ["true"]


# People


READ = ["Day sheets", "Patients and courses", "Charge review", "Holds", "Imports"]
ENTER = ["Day sheets", "Patients and courses", "Charge review", "Holds", "To capture again", "Imports"]
RULES = ["Payer matrix", "Codes", "2025 to 2026 codes", "Policies"]
OVERSIGHT = ["Reconciliation", "Filing clock", "Authorizations", "Level 3 guard", "Reports", "Readers", "Audit trail"]


@pytest.mark.parametrize(
    ("role", "places"),
    [
        ("coder", ["Home", *ENTER, "Payer guidance", "To read", *RULES, "Filing clock", "Authorizations"]),
        ("manager", ["Home", "Inbox", *ENTER, "Payer guidance", "To read", *RULES, *OVERSIGHT]),
        ("admin", ["Home", "Inbox", *ENTER, "Payer guidance", "To read", *RULES, *OVERSIGHT, "Set-up"]),
        ("auditor", ["Home", "Inbox", *READ, "Payer guidance", *RULES, *OVERSIGHT, "Set-up"]),
    ],
)
def test_frame_shows_the_places_of_a_role(organization, role, places):
    assert list(entries(make_user(organization, role=role))) == places


def test_frame_of_a_stranger_has_no_places():
    request = RequestFactory().get(reverse("sign-in"))
    request.user = AnonymousUser()

    assert set(frame(request)["frame"]) == {"is_demo"}


# Holds


def make_held(organization, sessions):
    """Sessions without a coverage: each is held."""
    course = make_course(make_patient(organization), make_department(organization))
    starts = [datetime(2025, 3, 3, 15, tzinfo=UTC) + timedelta(days=n) for n in range(sessions)]
    held = [make_session(course, started_at=start, ended_at=start + timedelta(minutes=15)) for start in starts]
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return held


def test_frame_counts_the_open_holds_of_the_persons_organization(organization):
    make_held(organization, 1)
    make_held(make_organization(name="Other", slug="other"), 2)

    count = entries(make_user(organization, role="coder"))["Holds"]["count"]

    assert count == str(SessionHold.objects.open().filter(organization=organization).count())


def test_frame_without_holds_counts_nothing(organization):
    assert entries(make_user(organization, role="coder"))["Holds"]["count"] == ""


def test_frame_stops_counting_holds_at_the_limit(organization, monkeypatch):
    make_held(organization, 3)
    monkeypatch.setattr("portal.context.COUNTED_UP_TO", 2)

    assert entries(make_user(organization, role="coder"))["Holds"]["count"] == "2+"
