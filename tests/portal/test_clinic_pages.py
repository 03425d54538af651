"""Patients, courses, prescriptions and missed fractions as people enter them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from coding.models import ChargeLine
from coding.services import capture_from
from portal.forms.clinic import CourseForm, PatientForm, PrescriptionForm
from portal.models import Course, Patient, ScheduledFraction
from portal.presenters.patient import PATIENTS_A_PAGE
from tests.builders import (
    make_course,
    make_coverage,
    make_department,
    make_organization,
    make_patient,
    make_payer,
    make_physician,
    make_scheduled_fraction,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
MONDAY = datetime(2025, 12, 1, 15, tzinfo=UTC)
PRESCRIPTION = {
    "anatomical_site": "Tongue",
    "technique": "imrt_complex",
    "dose_per_fraction_cgy": "200",
    "fractions": "33",
    "sessions_a_day": "1",
    "isocenters": "single",
    "motion_management": "none",
    "motion_documentation": "",
    "signed_at": "",
    "signed_by": "",
    "plan_approved_at": "",
    "plan_approved_by": "",
}


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization, client):
    """Signed in."""
    user = make_user(organization, role="coder")
    client.force_login(user)
    return user


def captured(course):
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return course


def make_patients(organization, count):
    """Patients in order of name, each with a course."""
    department = make_department(organization)
    return [
        make_course(make_patient(organization, family_name=f"Name{n:03d}"), department).patient for n in range(count)
    ]


def messages_of(response):
    return " ".join(str(message) for message in response.context["messages"])


# The list


def test_patient_list_without_patients_says_what_to_do(coder, client):
    response = client.get(reverse("patient-list"))

    assert "No patients yet" in response.content.decode()


@pytest.mark.parametrize("wanted", ["ald", "Alder, Mar", "FX-77", "fx-77"])
def test_patient_list_finds_by_name_or_record_number(organization, coder, client, wanted):
    alder = make_patient(organization, family_name="Alder", given_name="Marian", number="FX-7701")
    make_patient(organization, family_name="Baldwin")

    response = client.post(reverse("patient-list"), {"q": wanted})

    assert [row.patient for row in response.context["page"].rows] == [alder]


def test_patient_list_search_that_finds_nobody_keeps_what_was_typed(organization, coder, client):
    make_patient(organization)

    content = client.post(reverse("patient-list"), {"q": "Zzz"}).content.decode()

    assert "Nobody found" in content
    assert 'value="Zzz"' in content


def test_patient_list_pages_forward_and_back(organization, coder, client):
    make_patients(organization, PATIENTS_A_PAGE + 5)
    first = client.get(reverse("patient-list")).context["page"]

    second = client.post(reverse("patient-list"), {"after": first.following}).context["page"]
    back = client.post(reverse("patient-list"), {"before": second.previous}).context["page"]

    assert [row.patient.family_name for row in second.rows] == [f"Name{n:03d}" for n in range(50, 55)]
    assert (second.following, first.previous) == (None, None)
    assert back.rows == first.rows


def test_patient_list_with_a_key_that_nobody_gave_begins_at_the_start(organization, coder, client):
    patient = make_patient(organization)

    page = client.get(reverse("patient-list"), {"after": "x"}).context["page"]

    assert [row.patient for row in page.rows] == [patient]


def test_patient_list_leaves_out_other_organizations(coder, client):
    make_patient(make_organization())

    assert client.get(reverse("patient-list")).context["page"].rows == []


def test_patient_list_of_a_person_with_one_department_leaves_out_the_others(organization, client):
    here, elsewhere = make_department(organization), make_department(organization)
    ours, theirs = make_patients(organization, 2)
    nobodys = make_patient(organization, family_name="New")
    ours.courses.update(department=here)
    theirs.courses.update(department=elsewhere)
    person = make_user(organization, role="coder", sees_all_departments=False)
    person.departments.add(here)
    client.force_login(person)

    rows = client.get(reverse("patient-list")).context["page"].rows

    assert [row.patient for row in rows] == [ours, nobodys]


@pytest.mark.parametrize("wanted", ["\0", "%", "_", ",", "'", "a" * 5000])
def test_patient_list_takes_whatever_is_typed(organization, coder, client, wanted):
    make_patient(organization)

    assert client.post(reverse("patient-list"), {"q": wanted, "after": "9" * 5000}).status_code == 200


def test_patient_list_asks_as_often_for_40_patients_as_for_5(
    organization, coder, client, django_assert_num_queries, django_assert_max_num_queries
):
    make_patients(organization, 5)
    with django_assert_max_num_queries(20) as of_five:
        client.get(reverse("patient-list"))
    make_patients(organization, 35)

    with django_assert_num_queries(len(of_five)):
        response = client.get(reverse("patient-list"))

    assert len(response.context["page"].rows) == 40


# The patient


def test_patient_create_leads_to_the_patient(organization, coder, client):
    response = client.post(
        reverse("patient-create"),
        {"number": "FX-1", "family_name": "Alder", "given_name": "Marian", "born_on": "04/12/1961"},
    )

    patient = Patient.objects.get(organization=organization)
    assert response.url == reverse("patient-detail", args=[patient.pk])
    assert patient.born_on == date(1961, 4, 12)


def test_patient_create_with_a_number_that_is_taken_loses_nothing(organization, coder, client):
    make_patient(organization, number="FX-1")

    response = client.post(
        reverse("patient-create"), {"number": "FX-1", "family_name": "Alder", "given_name": "Marian", "born_on": ""}
    )

    content = response.content.decode()
    assert response.status_code == 422
    assert "There is a problem" in content
    assert "record number of another patient" in content
    assert 'value="Alder"' in content


def test_patient_amend_takes_its_own_number(organization, coder, client):
    patient = make_patient(organization)
    facts = {"number": patient.number, "family_name": "New", "given_name": "Name", "born_on": ""}

    client.post(reverse("patient-amend", args=[patient.pk]), facts)

    patient.refresh_from_db()
    assert patient.family_name == "New"


@pytest.mark.parametrize("born_on", ["11/25/2026", "12/31/1899", "02/30/1961"])
def test_patient_form_refuses_a_birth_that_cannot_be(organization, born_on):
    form = PatientForm(
        {"number": "FX-1", "family_name": "A", "given_name": "B", "born_on": born_on},
        organization=organization,
        today=TODAY,
    )

    assert list(form.errors) == ["born_on"]


def test_patient_detail_lists_courses_coverages_and_what_is_open(organization, coder, client):
    course = make_treated_course(organization)
    course.prescriptions.update(signed_at=None, signed_by=None)
    make_session(course, fraction=1)
    make_session(course, started_at=MONDAY, completion="not_started")
    captured(course)

    context = client.get(reverse("patient-detail", args=[course.patient_id])).context

    titles = [item.title for item in context["open_items"]]
    assert titles[:2] == ["Prescription not signed", "Beam never on"]
    assert len(titles) > 2
    assert [(row.sessions, row.last_day) for row in context["courses"]] == [(2, date(2025, 12, 3))]
    assert [row.holds_today for row in context["coverages"]] == [True]


def test_patient_detail_without_coverage_says_so(organization, coder, client):
    patient = make_patient(organization)
    make_course(patient, make_department(organization))

    response = client.get(reverse("patient-detail", args=[patient.pk]))

    assert response.context["open_items"][0].url == reverse("coverage-create", args=[patient.pk])


# The course


def course_data(department, **changes):
    return {
        "account_number": "A-7",
        "department": department.pk,
        "physician": "",
        "diagnoses": "C02.1",
        "status": "active",
    } | changes


def test_course_create_suggests_a_free_account_number(organization, coder, client):
    patient = make_patient(organization)

    response = client.get(reverse("course-create", args=[patient.pk]))

    assert response.context["form"].initial["account_number"] == "A-100001"


def test_course_create_opens_the_course_with_diagnoses_in_order(organization, coder, client):
    patient, department = make_patient(organization), make_department(organization)
    data = course_data(department, diagnoses="c02.1 C770, 141.9")

    response = client.post(reverse("course-create", args=[patient.pk]), data)

    course = Course.objects.get(patient=patient)
    assert response.url == reverse("course-detail", args=[course.pk])
    assert course.diagnoses == ["C02.1", "C77.0", "141.9"]


@pytest.mark.parametrize(
    ("diagnoses", "words"),
    [
        ("tongue", "does not look like"),
        ("C02.1, C02.1", "twice"),
        (", ".join(f"C{n}.0" for n in range(10, 23)), "at most 12"),
    ],
)
def test_course_form_refuses_diagnoses_that_cannot_be(organization, diagnoses, words):
    department = make_department(organization)

    form = CourseForm(course_data(department, diagnoses=diagnoses), user=make_user(organization), today=TODAY)

    assert words in form.errors["diagnoses"][0]


@pytest.mark.parametrize(
    ("diagnoses", "hints"),
    [
        ("C02.1", []),
        ("C02", ["C02 is not a billable ICD-10-CM code on 11/24/2026; lines with it are held."]),
        ("", ["No diagnosis is given; lines are held until there is one."]),
    ],
)
def test_course_form_hints_at_diagnoses_that_will_hold_lines(organization, diagnoses, hints):
    department = make_department(organization)

    form = CourseForm(course_data(department, diagnoses=diagnoses), user=make_user(organization), today=TODAY)

    assert form.is_valid()
    assert form.hints == hints


def test_course_form_offers_no_department_of_another_organization(organization):
    form = CourseForm(course_data(make_department(make_organization())), user=make_user(organization), today=TODAY)

    assert list(form.errors) == ["department"]


def test_course_amend_captures_again_and_says_how_many_lines_changed(organization, coder, client):
    course = make_treated_course(organization, diagnoses=[])
    make_session(course, fraction=1)
    captured(course)
    data = course_data(course.department, account_number=course.account_number)

    response = client.post(reverse("course-amend", args=[course.pk]), data, follow=True)

    line = ChargeLine.objects.live().get(session__course=course, role="delivery")
    assert line.diagnoses == ["C02.1"]
    assert "charge lines changed" in messages_of(response)


def test_course_amend_that_changes_no_charge_says_so(organization, coder, client):
    course = make_treated_course(organization)
    make_session(course, fraction=1)
    captured(course)
    data = course_data(course.department, account_number=course.account_number, status="completed")

    response = client.post(reverse("course-amend", args=[course.pk]), data, follow=True)

    assert "No charge line changed." in messages_of(response)


# The prescription


def test_prescription_create_adds_it_to_the_course(organization, coder, client):
    course = make_course(make_patient(organization), make_department(organization))
    physician = make_physician(organization)
    signed = {"signed_at": "12/01/2025 2:05 pm", "signed_by": physician.pk}

    client.post(reverse("prescription-create", args=[course.pk]), PRESCRIPTION | signed)

    prescription = course.prescriptions.get()
    assert prescription.signed_at == datetime(2025, 12, 1, 19, 5, tzinfo=UTC)


def test_prescription_amend_documents_motion_and_releases_the_lines(organization, coder, client):
    course = make_treated_course(organization)
    prescription = course.prescriptions.get()
    course.prescriptions.update(motion_management="active")
    make_session(course, fraction=1, started_at=datetime(2026, 1, 5, 15, tzinfo=UTC))
    captured(course)
    signed = {
        "signed_at": "01/01/2015 7:00 AM",
        "signed_by": prescription.signed_by_id,
        "plan_approved_at": "01/01/2015 7:00 AM",
        "plan_approved_by": prescription.plan_approved_by_id,
    }
    documented = {"motion_management": "active", "motion_documentation": "Breath hold, 3 mm, beam off outside."}
    held = ChargeLine.objects.live().get(session__course=course, role="delivery")

    client.post(reverse("prescription-amend", args=[prescription.pk]), PRESCRIPTION | signed | documented)

    line = ChargeLine.objects.live().get(session__course=course, role="delivery")
    assert (held.code, held.state) == ("77412", "held")
    assert (line.code, line.state) == ("77412", "ready")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fractions": "0"}, "fractions"),
        ({"fractions": "100"}, "fractions"),
        ({"sessions_a_day": "4"}, "sessions_a_day"),
        ({"dose_per_fraction_cgy": "0"}, "dose_per_fraction_cgy"),
        ({"signed_at": "12/01/2025 2:05 PM"}, "signed_by"),
        ({"signed_at": "yesterday"}, "signed_at"),
        ({"signed_at": "03/08/2026 2:30 AM"}, "signed_at"),
    ],
)
def test_prescription_form_refuses_at_the_field(organization, changes, field):
    course = make_course(make_patient(organization), make_department(organization))

    form = PrescriptionForm(PRESCRIPTION | changes, course=course, now=datetime(2026, 11, 24, 15, tzinfo=UTC))

    assert list(form.errors) == [field]


def test_prescription_form_refuses_a_signature_that_lies_ahead(organization):
    course = make_course(make_patient(organization), make_department(organization))
    ahead = {"signed_at": "11/25/2026 9:00 AM", "signed_by": make_physician(organization).pk}

    form = PrescriptionForm(PRESCRIPTION | ahead, course=course, now=datetime(2026, 11, 24, 15, tzinfo=UTC))

    assert "lies ahead" in form.errors["signed_at"][0]


def test_prescription_form_shows_instants_on_the_departments_clock(organization):
    course = make_treated_course(organization)

    form = PrescriptionForm(instance=course.prescriptions.get(), course=course, now=MONDAY)

    assert 'value="01/01/2015 07:00 AM"' in str(form["signed_at"])


# Missed fractions


def test_fraction_missed_wants_a_reason_and_can_be_undone(organization, coder, client):
    course = make_treated_course(organization)
    fraction = make_scheduled_fraction(course.prescriptions.get())
    url = reverse("fraction-missed", args=[fraction.pk])

    without_reason = client.post(url, {"missed_reason": ""})
    client.post(url, {"missed_reason": "Machine down"})
    missed = ScheduledFraction.objects.get().missed_reason
    client.post(url)

    assert without_reason.status_code == 422
    assert missed == "Machine down"
    assert ScheduledFraction.objects.get().missed_reason == ""


# Who may


@pytest.mark.parametrize("name", ["course-create", "coverage-create", "patient-amend", "patient-detail"])
def test_pages_of_another_organizations_patient_are_not_there(coder, client, name):
    patient = make_patient(make_organization())

    assert client.get(reverse(name, args=[patient.pk])).status_code == 404


@pytest.mark.parametrize("name", ["course-amend", "prescription-create", "authorization-create"])
def test_pages_of_another_organizations_course_are_not_there(coder, client, name):
    course = make_treated_course(make_organization())

    assert client.get(reverse(name, args=[course.pk])).status_code == 404


@pytest.mark.parametrize("name", ["course-amend", "prescription-create", "authorization-create"])
def test_pages_that_write_are_refused_to_an_auditor(organization, client, name):
    client.force_login(make_user(organization, role="auditor"))
    course = make_treated_course(organization)

    assert client.post(reverse(name, args=[course.pk])).status_code == 403


def test_coverage_that_begins_later_shows_that_it_does_not_cover_today(organization, coder, client):
    patient = make_patient(organization)
    make_coverage(patient, make_payer(organization), starts_on=TODAY + timedelta(days=1))

    context = client.get(reverse("patient-detail", args=[patient.pk])).context

    assert [row.holds_today for row in context["coverages"]] == [False]
