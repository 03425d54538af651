"""After an official file is loaded: sessions that it answers otherwise are listed, amounts of the others follow it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from coding.jobs import KINDS
from coding.models import ChargeLine, LineState, RecaptureItem, ReferenceKind, ReferenceLoad
from coding.recapture_services import capture_again
from coding.reference_services import load_reference
from coding.services import capture_from, mark_exported
from payers.models import Payer
from portal.models import Job, TreatmentSession
from portal.services.jobs import work_off
from tests.builders import make_organization, make_policy_version, make_session, make_treated_course, make_user
from tests.coding import reference_samples as samples

pytestmark = pytest.mark.django_db
FIRST = date(2025, 12, 1)
AT = datetime(2026, 11, 29, 15, tzinfo=UTC)
NO_LIMIT = samples.MUE_HOSPITAL.replace("77386,2,", "77386,9,")
ONE_A_DAY = samples.MUE_HOSPITAL.replace("77386,2,", "77386,1,")


@pytest.fixture
def admin(roles):
    return make_user(make_organization(), role="admin")


@pytest.fixture
def course(admin):
    """Days 12/03, 12/10 and 12/17, each treated twice, all captured under limits that let both pass."""
    load(ReferenceKind.MUE_HOSPITAL, NO_LIMIT, by=admin)
    course = make_treated_course(admin.organization)
    course.prescriptions.update(sessions_a_day=2)
    for number, (day, hour) in enumerate([(3, 13), (3, 20), (10, 13), (10, 20), (17, 13), (17, 20)], start=1):
        make_session(course, fraction=number, started_at=datetime(2025, 12, day, hour, tzinfo=UTC))
    capture_from(patient=course.patient, day=FIRST, by=admin)
    return course


def load(kind: ReferenceKind, text: str, *, by, on: date = FIRST, **changes) -> ReferenceLoad:
    files = [samples.as_file(text)]
    return load_reference(kind=kind, effective_from=on, release=f"{on:%Y-%m-%d}", files=files, by=by, at=AT, **changes)


def days_listed() -> list[int]:
    listed = RecaptureItem.objects.open().order_by("session__started_at").select_related("session")
    return sorted({item.session.date_of_service.day for item in listed})


def expected_amounts(**wanted) -> set[Decimal | None]:
    lines = ChargeLine.objects.live().filter(code="77386", **wanted)
    return set(lines.values_list("expected_amount", flat=True))


def test_load_lists_what_it_answers_otherwise_from_its_first_day_on(course, admin) -> None:
    found = load(ReferenceKind.MUE_HOSPITAL, ONE_A_DAY, by=admin, on=date(2025, 12, 10))

    work_off(kinds=KINDS)

    assert days_listed() == [10, 17]
    assert set(RecaptureItem.objects.values_list("load", "version")) == {(found.pk, None)}
    assert "MUE" in RecaptureItem.objects.first().findings_after


def test_load_leaves_days_alone_that_a_later_load_rules(course, admin) -> None:
    load(ReferenceKind.MUE_HOSPITAL, NO_LIMIT, by=admin, on=date(2025, 12, 15))
    load(ReferenceKind.MUE_HOSPITAL, ONE_A_DAY, by=admin, on=date(2025, 12, 10))

    work_off(kinds=KINDS)

    assert days_listed() == [10]


def test_capture_again_settles_what_a_load_listed(course, admin) -> None:
    load(ReferenceKind.MUE_HOSPITAL, ONE_A_DAY, by=admin, on=date(2025, 12, 17))
    work_off(kinds=KINDS)

    settled = capture_again(items=RecaptureItem.objects.open().select_related("session__course__patient"), by=admin)

    assert settled == 1
    assert days_listed() == []
    held = TreatmentSession.objects.filter(charge_lines__state=LineState.HELD, charge_lines__replaced_in__isnull=True)
    assert set(held.values_list("date_of_service", flat=True)) == {date(2025, 12, 17)}


def test_load_of_rates_brings_amounts_without_asking_anybody(course, admin) -> None:
    sent = ChargeLine.objects.live().filter(code="77386", date_of_service=date(2025, 12, 3))
    sent.update(state=LineState.READY)
    mark_exported(lines=list(sent.select_related("session__course")), by=admin)
    before = expected_amounts(state=LineState.EXPORTED)

    load(ReferenceKind.ADDENDUM_B, samples.ADDENDUM_B.replace("$578.47", "$600.00"), by=admin)
    work_off(kinds=KINDS)

    assert days_listed() == []
    assert expected_amounts(date_of_service__gte=date(2025, 12, 10)) == {Decimal("600.00")}
    assert expected_amounts(state=LineState.EXPORTED) == before != {Decimal("600.00")}


def test_load_of_words_asks_for_nothing(course, admin) -> None:
    asked = Job.objects.count()

    load(ReferenceKind.CPT_DESCRIPTORS, samples.CPT_DESCRIPTORS, by=admin)

    assert Job.objects.count() == asked


def test_load_asks_in_each_organization_with_sessions_and_names_the_person_only_in_their_own(course, admin) -> None:
    other = make_organization(name="Another clinic", slug="another")
    make_session(make_treated_course(other), started_at=datetime(2025, 12, 3, 13, tzinfo=UTC))
    Job.objects.all().delete()

    load(ReferenceKind.MUE_HOSPITAL, ONE_A_DAY, by=admin, on=date(2025, 12, 2))

    asked = dict(Job.objects.values_list("organization", "asked_by"))
    assert asked == {admin.organization_id: admin.pk, other.pk: None}


def test_load_replaced_before_its_list_was_made_leaves_a_job_that_says_so(course, admin) -> None:
    load(ReferenceKind.MUE_HOSPITAL, NO_LIMIT, by=admin, on=date(2025, 12, 10))
    load(ReferenceKind.MUE_HOSPITAL, ONE_A_DAY, by=admin, on=date(2025, 12, 10), replace=True)

    work_off(kinds=KINDS)

    assert days_listed() == [10, 17]
    assert "loaded anew" in Job.objects.exclude(problem="").get().problem


def test_item_has_exactly_one_cause(course, admin) -> None:
    session = course.sessions.first()
    version = make_policy_version(Payer.objects.get(), effective_from=date(2026, 5, 1))

    with pytest.raises(IntegrityError, match="recapture_for_one_cause"), transaction.atomic():
        RecaptureItem.objects.create(session=session)
    with pytest.raises(IntegrityError, match="recapture_for_one_cause"), transaction.atomic():
        RecaptureItem.objects.create(session=session, version=version, load=ReferenceLoad.objects.first())


def test_list_shows_the_file_as_the_cause_and_narrows_by_it(course, admin, client) -> None:
    found = load(ReferenceKind.MUE_HOSPITAL, ONE_A_DAY, by=admin, on=date(2025, 12, 17))
    work_off(kinds=KINDS)
    client.force_login(admin)

    page = client.get(reverse("recapture-list"), {"cause": f"load-{found.pk}"})

    assert page.status_code == 200
    assert page.content.decode().count("NCCI unit limits (MUE), outpatient hospital 2025-12-17") >= 3
