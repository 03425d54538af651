"""A clinic in which every report has something to tell."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from coding.hold_services import place_hold, release_hold
from coding.models import ChargeLine, FeeSchedule
from coding.services import capture_from
from portal.models import Course, Department, Organization, User
from portal.services.sessions import amend_session, record_session
from tests.builders import (
    TODAY,
    make_authorization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
)

BEFORE, AFTER = datetime(2025, 12, 3, 15, tzinfo=UTC), datetime(2026, 1, 6, 15, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


def make_worked(organization: Organization, by: User) -> list[Course]:
    """Two courses on either side of the turn of the codes, entered and captured by the person, some held."""
    courses = [make_treated_course(organization, setting=setting) for setting in ("hospital_on_campus", "freestanding")]
    for course in courses:
        for day, start in enumerate((BEFORE, BEFORE + timedelta(days=1), AFTER)):
            make_session(course, fraction=day + 1, started_at=start, image_review_signed_at=None)
        session = record_session(
            course=course,
            started_at=AFTER + timedelta(days=1),
            today=TODAY,
            by=by,
            department=course.department,
            guidance="none",
        )
        amend_session(session=session, revision=1, today=TODAY, by=by, machine=course.department.machines.first())
        capture_from(patient=course.patient, day=date(2015, 1, 1), by=by)
    line = ChargeLine.objects.live().filter(state="ready").first()
    hold = place_hold(line=line, reason="Ask the physicist", at=NOW, by=by)
    release_hold(hold=hold, note="Checked", at=NOW, by=by)
    return courses


def make_authorized(departments: Sequence[Department], by: User) -> list[Course]:
    """Courses of a payer that asks for an authorization: each waits for something else, one lacks it, one is over."""
    organization = departments[0].organization
    payer = make_payer(organization)
    make_policy_version(payer, terms={"authorization_required": True})
    on_file = (
        {"ends_on": TODAY - timedelta(days=1), "units": 5},
        {"units": 2},
        {"units": 5},
        {"units": 30, "ends_on": TODAY + timedelta(days=10)},
        {"units": None, "ends_on": TODAY + timedelta(days=11)},
        None,
        {"units": 1, "course": {"status": "completed"}},
    )
    courses = []
    for place, changes in enumerate(on_file):
        department = departments[place % len(departments)]
        of_course = (changes or {}).get("course", {})
        course = make_treated_course(organization, payer=payer, department=department, **of_course)
        for day in range(2):
            make_session(course, fraction=day + 1, started_at=AFTER + timedelta(days=day))
        if changes is not None:
            make_authorization(course, payer, **{key: value for key, value in changes.items() if key != "course"})
        capture_from(patient=course.patient, day=date(2015, 1, 1), by=by)
        courses.append(course)
    return courses


def make_priced(organization: Organization) -> None:
    """A price of one code, so that amounts are both told and missing."""
    FeeSchedule.objects.create(
        organization=organization, code="77386", effective_from=date(2015, 1, 1), amount="1500.00"
    )
