"""Coverages and authorizations as people enter them, and what a change captures again."""

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from coding.models import ChargeLine
from coding.services import capture_from
from payers.coverage_forms import AuthorizationForm
from payers.coverage_services import record_coverage
from payers.models import Authorization, Coverage
from portal.models import AuditEvent
from tests.builders import (
    make_authorization,
    make_coverage,
    make_organization,
    make_patient,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization, client):
    """Signed in."""
    user = make_user(organization, role="coder")
    client.force_login(user)
    return user


def coverage_data(payer, **changes):
    return {"payer": payer.pk, "rank": "1", "member_number": "M1", "starts_on": "01/01/2025", "ends_on": ""} | changes


def authorization_data(payer, **changes):
    return {
        "payer": payer.pk,
        "number": "N-1",
        "codes": "77385 g6015",
        "units": "33",
        "starts_on": "12/01/2025",
        "ends_on": "02/28/2026",
    } | changes


def test_coverage_create_releases_sessions_that_nobody_covered(organization, coder, client):
    course = make_treated_course(organization)
    payer = course.patient.coverages.get().payer
    course.patient.coverages.all().delete()
    make_session(course, fraction=1)
    capture_from(patient=course.patient, day=date(2025, 1, 1), by=None)
    before = ChargeLine.objects.live().filter(session__course=course).count()

    client.post(reverse("coverage-create", args=[course.patient_id]), coverage_data(payer))

    assert before == 0
    assert ChargeLine.objects.live().filter(session__course=course, state="ready").exists()


def test_coverage_create_over_another_payers_days_says_which_at_the_field(organization, coder, client):
    patient = make_patient(organization)
    make_coverage(patient, make_payer(organization, name="Northlake"), ends_on=date(2025, 6, 30))

    response = client.post(
        reverse("coverage-create", args=[patient.pk]), coverage_data(make_payer(organization), starts_on="06/30/2025")
    )

    (message,) = response.context["form"].errors["starts_on"]
    assert response.status_code == 422
    assert message.startswith("Northlake holds rank 1 from 01/01/2010 to 06/30/2025.")


def test_coverage_create_on_the_day_after_another_ends(organization, coder, client):
    patient = make_patient(organization)
    make_coverage(patient, make_payer(organization), ends_on=date(2025, 6, 30))

    client.post(
        reverse("coverage-create", args=[patient.pk]), coverage_data(make_payer(organization), starts_on="07/01/2025")
    )

    assert patient.coverages.count() == 2


def test_record_coverage_over_another_payers_days_is_refused_by_the_database(organization, coder):
    patient = make_patient(organization)
    make_coverage(patient, make_payer(organization))

    with pytest.raises(IntegrityError), transaction.atomic():
        record_coverage(patient=patient, payer=make_payer(organization), rank=1, starts_on=date(2026, 1, 1), by=coder)


def test_coverage_amend_captures_from_the_earlier_of_both_starts(organization, coder, client):
    course = make_treated_course(organization)
    coverage = course.patient.coverages.get()
    make_session(course, fraction=1, started_at=datetime(2025, 12, 1, 15, tzinfo=UTC))
    capture_from(patient=course.patient, day=date(2025, 1, 1), by=None)
    data = coverage_data(coverage.payer, starts_on="01/01/2026")

    response = client.post(reverse("coverage-amend", args=[coverage.pk]), data, follow=True)

    assert not ChargeLine.objects.live().filter(session__course=course).exists()
    assert "changed" in " ".join(str(message) for message in response.context["messages"])


def test_coverage_amend_keeps_the_member_number_out_of_the_trail(organization, coder, client):
    coverage = make_coverage(make_patient(organization), make_payer(organization), member_number="M-OLD")
    data = coverage_data(coverage.payer, member_number="M-NEW", starts_on="01/01/2010")

    client.post(reverse("coverage-amend", args=[coverage.pk]), data)

    assert Coverage.objects.get().member_number == "M-NEW"
    assert AuditEvent.objects.about(coverage).get().changes == {"member_number": ["(kept out)", "(kept out)"]}


def test_coverage_form_refuses_an_end_before_its_start(organization, coder, client):
    patient = make_patient(organization)

    response = client.post(
        reverse("coverage-create", args=[patient.pk]), coverage_data(make_payer(organization), ends_on="12/31/2024")
    )

    assert list(response.context["form"].errors) == ["ends_on"]


def test_coverage_form_offers_no_payer_of_another_organization(organization, coder, client):
    patient = make_patient(organization)

    response = client.post(
        reverse("coverage-create", args=[patient.pk]), coverage_data(make_payer(make_organization()))
    )

    assert list(response.context["form"].errors) == ["payer"]


def test_authorization_create_keeps_codes_units_and_days(organization, coder, client):
    course = make_treated_course(organization)
    payer = course.patient.coverages.get().payer

    client.post(reverse("authorization-create", args=[course.pk]), authorization_data(payer))

    authorization = Authorization.objects.get()
    assert (authorization.codes, authorization.units, authorization.ends_on) == (
        ["77385", "G6015"],
        33,
        date(2026, 2, 28),
    )


def test_authorization_create_releases_lines_that_waited_for_it(organization, coder, client):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"authorization_required": True})
    course = make_treated_course(organization, payer=payer)
    make_session(course, fraction=1)
    capture_from(patient=course.patient, day=date(2025, 1, 1), by=None)
    before = ChargeLine.objects.live().get(session__course=course, role="delivery")

    client.post(reverse("authorization-create", args=[course.pk]), authorization_data(payer, codes=""))

    after = ChargeLine.objects.live().get(session__course=course, role="delivery")
    assert (before.state, after.state) == ("held", "ready")


def test_authorization_amend_changes_its_units(organization, coder, client):
    course = make_treated_course(organization)
    payer = course.patient.coverages.get().payer
    authorization = make_authorization(course, payer, number="N-1", units=10)

    client.post(reverse("authorization-amend", args=[authorization.pk]), authorization_data(payer, units="12"))

    authorization.refresh_from_db()
    assert authorization.units == 12


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"codes": "7738"}, "codes"),
        ({"codes": "77385, 77385"}, "codes"),
        ({"units": "0"}, "units"),
        ({"ends_on": "11/30/2025"}, "ends_on"),
        ({"starts_on": "12/31/1999"}, "starts_on"),
        ({"number": "N-0"}, "number"),
    ],
)
def test_authorization_form_refuses_at_the_field(organization, changes, field):
    course = make_treated_course(organization)
    payer = course.patient.coverages.get().payer
    make_authorization(course, payer, number="N-0")

    form = AuthorizationForm(authorization_data(payer) | changes, course=course)

    assert list(form.errors) == [field]


def test_authorization_of_another_organization_is_not_there(coder, client):
    course = make_treated_course(make_organization())
    authorization = make_authorization(course, course.patient.coverages.get().payer)

    assert client.get(reverse("authorization-amend", args=[authorization.pk])).status_code == 404
