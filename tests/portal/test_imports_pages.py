"""Importing a treatment log in the portal: upload, preview, confirm, dismiss, and who may do what."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.models import ChargeLine
from payers.models import Coverage
from portal.models import Course, Patient, SessionCandidate, TreatmentLogImport, TreatmentLogUpload, TreatmentSession
from portal.services.imports import confirm_candidate, dismiss_candidate, import_treatment_log
from portal.treatment_log_files import read_folder
from tests.builders import (
    TODAY,
    make_department,
    make_machine,
    make_organization,
    make_payer,
    make_physician,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)
from tests.portal.test_imports_services import NOW
from tests.portal.treatment_logs import SAMPLE, make_log, make_tables, make_zip, named, treatment

FILES = ("TrackTreatment.csv", "Site.csv", "TxField.csv", "Ident.csv")
PAGES = (
    ("get", "import-list", []),
    ("get", "import-refused", []),
    ("get", "candidate-list", []),
    ("get", "import-upload", []),
    ("get", "import-detail", ["import"]),
    ("get", "candidate-detail", ["candidate"]),
    ("get", "candidate-confirm", ["candidate"]),
    ("post", "candidate-dismiss", ["candidate"]),
    ("post", "candidate-reopen", ["candidate"]),
    ("post", "candidate-accept", ["candidate"]),
)
READS = {"import-list", "import-refused", "candidate-list", "import-detail", "candidate-detail"}


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization, client):
    """Signed in."""
    user = make_user(organization, role="coder")
    client.force_login(user)
    return user


def sample_files():
    return [SimpleUploadedFile(name, (SAMPLE / name).read_bytes()) for name in FILES]


def import_sample(organization, **changes):
    return import_treatment_log(**{"organization": organization, "log": read_folder(SAMPLE), "by": None} | changes)


def one_candidate(organization, **changes):
    log = make_log(treatment(1))
    found = import_treatment_log(**{"organization": organization, "log": log, "by": None} | changes)
    return found.session_candidates.get()


def filled_in(candidate, **changes):
    """The confirm form of a candidate of a patient who is not known yet, as a browser sends it."""
    department = make_department(candidate.organization)
    payer = make_payer(candidate.organization)
    make_policy_version(payer)
    prefix = f"candidate-{candidate.pk}"
    return {
        "record_number": "FX-900501",
        "family_name": "Sample",
        "given_name": "Robin",
        "born_on": "05/17/1960",
        "course": "new",
        "account_number": "A-900501",
        "diagnoses": "C01",
        "department": str(department.pk),
        "physician": str(make_physician(candidate.organization).pk),
        "payer": str(payer.pk),
        f"machine-{b'61'.hex()}": str(make_machine(department).pk),
        "site-41-is": "new",
        "site-41-anatomical_site": "Base of tongue",
        "site-41-technique": "imrt_complex",
        "site-41-dose_per_fraction_cgy": "200",
        "site-41-fractions": "33",
        f"{prefix}-include": "on",
        f"{prefix}-completion": "complete",
        f"{prefix}-guidance": "cbct",
        f"{prefix}-reviewed_at": "12/30/2025 3:00 PM",
        f"{prefix}-fraction-41": "1",
    } | changes


def confirm_by_service(candidate, course, by):
    return confirm_candidate(
        candidate=candidate,
        course=course,
        department=course.department,
        fractions={d.pk: (course.prescriptions.get(), 1) for d in candidate.deliveries.all()},
        today=TODAY,
        at=NOW,
        by=by,
    )


def test_import_list_empty(client, coder):
    response = client.get(reverse("import-list"))

    assert "No treatment log yet" in response.text


def test_import_list_asks_a_constant_number_of_queries(client, coder, organization, django_assert_max_num_queries):
    import_sample(organization)
    client.get(reverse("import-list"))
    with django_assert_max_num_queries(20) as few:
        client.get(reverse("import-list"))
    import_sample(organization)
    import_sample(organization)

    with django_assert_max_num_queries(len(few)):
        client.get(reverse("import-list"))


def test_import_detail_asks_a_constant_number_of_queries(client, coder, organization, django_assert_max_num_queries):
    one, many = one_candidate(organization).found_in, import_sample(organization)
    client.get(reverse("import-detail", args=[one.pk]))
    with django_assert_max_num_queries(20) as few:
        client.get(reverse("import-detail", args=[one.pk]))

    with django_assert_max_num_queries(len(few)):
        client.get(reverse("import-detail", args=[many.pk]))


def test_upload_files_together_shows_a_preview_and_imports_nothing_yet(client, coder):
    response = client.post(reverse("import-upload"), {"files": sample_files()}, follow=True)

    assert response.status_code == 200
    assert "Nothing is imported yet" in response.text
    assert "Base of tongue: 1 of 2 fields complete" in response.text
    assert not TreatmentLogImport.objects.exists()


def test_upload_one_zip_and_import(client, coder, organization):
    content = make_zip({name: (SAMPLE / name).read_bytes() for name in FILES})
    client.post(reverse("import-upload"), {"files": [SimpleUploadedFile("log.zip", content)]})

    response = client.post(reverse("import-preview", args=[TreatmentLogUpload.objects.get().pk]), follow=True)

    found = TreatmentLogImport.objects.get()
    assert (found.new, found.by, found.organization) == (6, coder, organization)
    assert "6 candidate sessions are new" in response.text
    assert not TreatmentLogUpload.objects.exists()


def test_upload_of_what_is_known_says_so(client, coder, organization):
    import_sample(organization)

    response = client.post(reverse("import-upload"), {"files": sample_files()}, follow=True)

    assert "Nothing here is new" in response.text


def test_upload_discard(client, coder):
    client.post(reverse("import-upload"), {"files": sample_files()})

    client.post(reverse("import-discard", args=[TreatmentLogUpload.objects.get().pk]))

    assert not TreatmentLogUpload.objects.exists()
    assert not TreatmentLogImport.objects.exists()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "Choose the four files"),
        ({"Site.csv": b"SIT_ID\n"}, "are missing"),
        ({"notes.txt": b"x"}, "notes.txt is not part of a treatment log"),
        ({"log.zip": b"PK\x03\x04"}, "not a zip that can be read"),
        ({"log.zip": make_zip({"../Site.csv": b"x"})}, "outside its own folder"),
    ],
)
def test_upload_of_something_else_is_refused_in_words(client, coder, files, words):
    uploads = [SimpleUploadedFile(name, content) for name, content in files.items()]

    response = client.post(reverse("import-upload"), {"files": uploads})

    assert response.status_code == 422
    assert words in response.text
    assert not TreatmentLogUpload.objects.exists()


def test_upload_shows_broken_rows_with_line_and_reason(client, coder):
    files = named(make_tables(treatment(1), treatment(2, WasBeamOn="perhaps")))
    uploads = [SimpleUploadedFile(name, content) for name, content in files.items()]

    response = client.post(reverse("import-upload"), {"files": uploads}, follow=True)

    assert "Broken rows" in response.text
    assert "WasBeamOn is &quot;perhaps&quot;" in response.text


def test_upload_is_seen_by_its_person_alone(client, coder, organization):
    client.post(reverse("import-upload"), {"files": sample_files()})
    client.force_login(make_user(organization, role="admin"))

    response = client.get(reverse("import-preview", args=[TreatmentLogUpload.objects.get().pk]))

    assert response.status_code == 404


def test_import_detail_filters_by_state(client, coder, organization):
    found = import_sample(organization)
    first = found.session_candidates.first()
    dismiss_candidate(candidate=first, reason="Phantom", at=NOW, by=coder)

    response = client.get(reverse("import-detail", args=[found.pk]), {"state": "dismissed"})

    assert [row.url for row in response.context["candidates"]] == [reverse("candidate-detail", args=[first.pk])]


def test_candidate_page_shows_its_rows(client, coder, organization):
    candidate = import_sample(organization).session_candidates.get(started_at__date="2026-01-05")

    response = client.get(reverse("candidate-detail", args=[candidate.pk]))

    assert [row["key"] for row in response.context["rows"]] == [9006, 9007, 9008, 9009]
    assert "beam on, not finished" in response.text


def test_confirm_form_suggests_what_the_log_knows(client, coder, organization):
    candidate = import_sample(organization).session_candidates.get(started_at__date="2026-01-06")

    form = client.get(reverse("candidate-confirm", args=[candidate.pk])).context["form"]

    assert form["record_number"].value() == "FX-900501"
    assert form["site-41-anatomical_site"].value() == "Base of tongue"
    assert form["site-41-dose_per_fraction_cgy"].value() == 200
    assert form[f"candidate-{candidate.pk}-completion"].value() == "partial"
    assert [asked.include.value() for asked in form.candidate_fields] == [False, False, True]


def test_confirm_a_new_patient_becomes_charge_lines(client, coder, organization):
    candidate = one_candidate(organization)

    response = client.post(reverse("candidate-confirm", args=[candidate.pk]), filled_in(candidate), follow=True)

    session = TreatmentSession.objects.get()
    assert "1 session recorded" in response.text
    assert session.course.patient.number == "FX-900501"
    assert session.course.diagnoses == ["C01"]
    assert session.machine.source_name == "61"
    assert (session.guidance, session.completion, session.recorded_by) == ("cbct", "complete", coder)
    assert Coverage.objects.get().starts_on == session.date_of_service
    assert "77386" in ChargeLine.objects.live().values_list("code", flat=True)
    assert "RX_NOT_SIGNED" in response.text


def test_confirm_several_candidates_of_a_patient_at_once(client, coder, organization):
    first, second = import_treatment_log(
        organization=organization, log=make_log(treatment(1), treatment(2, "15:05:00")), by=None
    ).session_candidates.all()
    sent = filled_in(
        first,
        **{
            f"candidate-{second.pk}-include": "on",
            f"candidate-{second.pk}-completion": "partial",
            f"candidate-{second.pk}-guidance": "none",
        },
    )

    client.post(reverse("candidate-confirm", args=[first.pk]), sent)

    assert list(TreatmentSession.objects.order_by("started_at").values_list("completion", flat=True)) == [
        "complete",
        "partial",
    ]
    assert Course.objects.get().prescriptions.count() == 1


def test_confirm_for_a_known_patient_offers_course_and_prescription(client, coder, organization):
    course = make_treated_course(organization)
    Patient.objects.filter(pk=course.patient_id).update(number="FX-900501")
    course.prescriptions.update(anatomical_site="Base of tongue")
    candidate = one_candidate(organization)

    form = client.get(reverse("candidate-confirm", args=[candidate.pk])).context["form"]

    assert form["course"].value() == str(course.pk)
    assert form["site-41-is"].value() == str(course.prescriptions.get().pk)
    assert "family_name" not in form.fields


def test_confirm_for_a_known_patient_records_in_the_course(client, coder, organization):
    course = make_treated_course(organization)
    Patient.objects.filter(pk=course.patient_id).update(number="FX-900501")
    candidate = one_candidate(organization)
    sent = filled_in(
        candidate,
        **{"course": str(course.pk), "site-41-is": str(course.prescriptions.get().pk), "payer": ""},
    )
    sent |= {
        "department": str(course.department_id),
        f"machine-{b'61'.hex()}": str(course.department.machines.get().pk),
    }

    response = client.post(reverse("candidate-confirm", args=[candidate.pk]), sent)

    assert response.status_code == 302
    assert TreatmentSession.objects.get().course == course
    assert course.prescriptions.count() == 1


def test_confirm_the_next_candidate_remembers_patient_and_prescription(client, coder, organization):
    course = make_treated_course(organization)
    first, second = import_treatment_log(
        organization=organization, log=make_log(treatment(1), treatment(2, "15:05:00")), by=None
    ).session_candidates.all()
    confirm_by_service(first, course, coder)

    form = client.get(reverse("candidate-confirm", args=[second.pk])).context["form"]

    assert form["record_number"].value() == course.patient.number
    assert form["site-41-is"].value() == str(course.prescriptions.get().pk)


def test_confirm_warns_of_a_session_that_was_typed_already(client, coder, organization):
    course = make_treated_course(organization)
    Patient.objects.filter(pk=course.patient_id).update(number="FX-900501")
    make_session(course, started_at=datetime(2025, 12, 30, 13, 5, tzinfo=UTC))
    candidate = one_candidate(organization)

    response = client.get(reverse("candidate-confirm", args=[candidate.pk]))

    assert "started at 08:05 AM on this day is recorded already" in response.text


def test_confirm_look_up_keeps_what_was_typed_and_writes_nothing(client, coder, organization):
    course = make_treated_course(organization)
    candidate = one_candidate(organization)
    sent = filled_in(candidate, record_number=course.patient.number, look_up="1", diagnoses="C77.0")

    response = client.post(reverse("candidate-confirm", args=[candidate.pk]), sent)

    form = response.context["form"]
    assert response.status_code == 200
    assert form.patient == course.patient
    assert form["diagnoses"].value() == "C77.0"
    assert form[f"candidate-{candidate.pk}-include"].value()
    assert not TreatmentSession.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("family_name", "", "This field is required"),
        ("record_number", "fx 1", "Capital letters, digits and dashes"),
        ("account_number", "", "A new course needs an account number"),
        ("born_on", "01/01/2099", "Date of birth must be"),
        ("diagnoses", "tongue", "does not look like a diagnosis code"),
        ("department", "", "This field is required"),
        ("site-41-fractions", "", "A new prescription needs it"),
        ("site-41-is", "12345", "Select a valid choice"),
    ],
)
def test_confirm_refused_at_the_field_keeps_what_was_typed(client, coder, organization, field, value, words):
    candidate = one_candidate(organization)

    response = client.post(reverse("candidate-confirm", args=[candidate.pk]), filled_in(candidate, **{field: value}))

    assert response.status_code == 422
    assert words in str(response.context["form"].errors[field])
    assert response.context["form"]["site-41-anatomical_site"].value() == "Base of tongue"
    assert not Patient.objects.exists()


def test_confirm_without_a_tick_is_refused(client, coder, organization):
    candidate = one_candidate(organization)
    sent = filled_in(candidate)
    del sent[f"candidate-{candidate.pk}-include"]

    response = client.post(reverse("candidate-confirm", args=[candidate.pk]), sent)

    assert "Tick at least one candidate" in response.text


def test_confirm_review_that_lies_ahead_is_refused(client, coder, organization):
    candidate = one_candidate(organization)
    field = f"candidate-{candidate.pk}-reviewed_at"

    response = client.post(
        reverse("candidate-confirm", args=[candidate.pk]), filled_in(candidate, **{field: "12/30/2026 3:00 PM"})
    )

    assert "lies ahead" in str(response.context["form"].errors[field])


def test_confirm_machine_of_another_department_is_refused(client, coder, organization):
    candidate = one_candidate(organization)
    elsewhere = make_machine(make_department(organization))
    field = f"machine-{b'61'.hex()}"

    response = client.post(
        reverse("candidate-confirm", args=[candidate.pk]), filled_in(candidate, **{field: str(elsewhere.pk)})
    )

    assert "stands in" in str(response.context["form"].errors[field])


def test_confirm_prescription_of_another_course_is_refused(client, coder, organization):
    course = make_treated_course(organization)
    candidate = one_candidate(organization)
    sent = filled_in(
        candidate,
        **{"record_number": course.patient.number, "site-41-is": str(course.prescriptions.get().pk), "payer": ""},
    )

    response = client.post(reverse("candidate-confirm", args=[candidate.pk]), sent)

    assert "belongs to another course" in str(response.context["form"].errors["site-41-is"])


def test_confirm_second_payer_of_rank_1_is_refused(client, coder, organization):
    course = make_treated_course(organization)
    candidate = one_candidate(organization)

    response = client.post(
        reverse("candidate-confirm", args=[candidate.pk]), filled_in(candidate, record_number=course.patient.number)
    )

    assert "is on file as rank 1" in str(response.context["form"].errors["payer"])


def test_confirm_decided_candidate_leads_back(client, coder, organization):
    candidate = one_candidate(organization)
    dismiss_candidate(candidate=candidate, reason="Phantom", at=NOW, by=coder)

    response = client.get(reverse("candidate-confirm", args=[candidate.pk]))

    assert response.url == reverse("candidate-detail", args=[candidate.pk])


def test_dismiss_with_a_reason_and_open_again(client, coder, organization):
    candidate = one_candidate(organization)

    dismissed = client.post(reverse("candidate-dismiss", args=[candidate.pk]), {"reason": "Phantom"}, follow=True)
    reopened = client.post(reverse("candidate-reopen", args=[candidate.pk]), follow=True)

    assert "Phantom" in dismissed.text
    assert reopened.context["candidate"].state == "open"


def test_dismiss_without_a_reason_is_refused(client, coder, organization):
    candidate = one_candidate(organization)

    response = client.post(reverse("candidate-dismiss", args=[candidate.pk]), {"reason": " "})

    assert response.status_code == 422
    assert SessionCandidate.objects.get().state == "open"


def test_reopen_while_the_session_stands_is_refused(client, coder, organization):
    candidate = one_candidate(organization)
    confirm_by_service(candidate, make_treated_course(organization), coder)

    response = client.post(reverse("candidate-reopen", args=[candidate.pk]), follow=True)

    assert "Void the session first" in response.text


def test_changed_log_is_shown_until_it_was_looked_at(client, coder, organization):
    candidate = one_candidate(organization)
    confirm_by_service(candidate, make_treated_course(organization), coder)
    SessionCandidate.objects.update(has_changed=True)

    before = client.get(reverse("candidate-detail", args=[candidate.pk]))
    after = client.post(reverse("candidate-accept", args=[candidate.pk]), follow=True)

    assert "I have compared them" in before.text
    assert "I have compared them" not in after.text


@pytest.mark.parametrize(("method", "name", "of"), PAGES)
@pytest.mark.parametrize("role", ["coder", "manager", "admin", "auditor"])
def test_pages_by_role(client, organization, role, method, name, of):
    candidate = one_candidate(organization)
    ids = {"import": candidate.found_in_id, "candidate": candidate.pk}
    client.force_login(make_user(organization, role=role))

    response = getattr(client, method)(reverse(name, args=[ids[what] for what in of]))

    assert (response.status_code == 403) == (role == "auditor" and name not in READS)
    assert response.status_code in (200, 302, 403, 422)


@pytest.mark.parametrize(("method", "name", "of"), PAGES[4:])
def test_pages_of_another_organization_are_not_found(client, coder, method, name, of):
    candidate = one_candidate(make_organization())
    ids = {"import": candidate.found_in_id, "candidate": candidate.pk}

    response = getattr(client, method)(reverse(name, args=[ids[what] for what in of]))

    assert response.status_code == 404


@pytest.mark.parametrize(("method", "name", "of"), PAGES)
def test_pages_want_a_person_who_signed_in(client, organization, method, name, of):
    candidate = one_candidate(organization)
    ids = {"import": candidate.found_in_id, "candidate": candidate.pk}

    response = getattr(client, method)(reverse(name, args=[ids[what] for what in of]))

    assert response.status_code == 302
    assert response.url.startswith(reverse("sign-in"))


def test_candidates_of_another_department_are_not_seen(client, organization):
    mine, other = make_department(organization), make_department(organization)
    seen = one_candidate(organization, department=mine)
    hidden = one_candidate(organization, log=make_log(treatment(2, "15:00:00")), department=other)
    user = make_user(organization, role="coder", sees_all_departments=False)
    user.departments.add(mine)
    client.force_login(user)

    codes = [client.get(reverse("candidate-detail", args=[c.pk])).status_code for c in (seen, hidden)]

    listed = client.get(reverse("import-list")).context["rows"]

    assert codes == [200, 404]
    assert [row["found"] for row in listed] == [seen.found_in]


def test_upload_by_somebody_of_one_department_wants_the_department(client, organization):
    user = make_user(organization, role="coder", sees_all_departments=False)
    user.departments.add(make_department(organization))
    client.force_login(user)

    response = client.post(reverse("import-upload"), {"files": sample_files()})

    assert "department" in response.context["form"].errors


def rows_told(client, name, **asked):
    """What the pager of a list of imports says, and how many rows it shows."""
    response = client.get(reverse(name), asked)
    shown = response.context.get("candidates", response.context.get("rows"))
    return response.context["pages"]["count_text"], len(shown)


def test_import_list_narrows_by_the_day_of_the_import(client, coder, organization):
    found = import_sample(organization)
    day = found.at.astimezone(coder.zone).date()

    assert rows_told(client, "import-list", start=day) == ("1 import", 1)
    assert rows_told(client, "import-list", start=day + timedelta(days=1)) == ("0 imports", 0)
    assert b"Choose an earlier day" in client.get(reverse("import-list"), {"start": "2030-01-01"}).content
    assert client.get(reverse("import-list"), {"start": "soon"}).status_code == 422


def file_of(client, **asked):
    """The answer with the file of imports, and its rows."""
    response = client.get(reverse("import-list-csv"), asked)
    return response, list(csv.reader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_import_file_has_every_row_of_the_list_in_its_order(client, coder, organization):
    department = make_department(organization, name="=Riverside")
    one_candidate(organization, department=department)
    import_sample(organization, by=coder)
    import_sample(organization)

    shown = client.get(reverse("import-list")).context["rows"]
    response, rows = file_of(client)

    assert rows[:2] == [["Filters", "none: all imports"], []]
    assert [row["waiting"] for row in shown][1] > 0
    assert [[row[0], *row[2:]] for row in rows[3:]] == [
        [
            str(row["found"].pk),
            row["by"],
            row["department"].replace("=", "'="),
            *map(str, (row["found"].candidates, row["found"].new, row["found"].known, row["found"].broken)),
            str(row["waiting"]),
        ]
        for row in shown
    ]
    assert rows[3][1] == shown[0]["found"].at.isoformat(timespec="minutes")
    assert response.headers["Cache-Control"].endswith("no-store")


def test_import_file_is_narrowed_as_its_list_is(client, coder, organization):
    day = import_sample(organization).at.astimezone(coder.zone).date()
    page = client.get(reverse("import-list"), {"start": day})

    _response, rows = file_of(client, start=day)
    _response, rows_later = file_of(client, start=day + timedelta(days=1))

    assert page.context["csv_url"] == f"{reverse('import-list-csv')}?start={day}"
    assert page.context["csv_url"] in page.text
    assert (rows[0], len(rows[3:])) == (["Imported from", f"{day:%m/%d/%Y}"], 1)
    assert rows_later[3:] == []
    assert client.get(reverse("import-list-csv"), {"start": "soon"}).status_code == 422


def test_import_file_has_the_imports_of_the_departments_of_the_person(client, organization):
    mine, other = make_department(organization), make_department(organization)
    seen = one_candidate(organization, department=mine)
    one_candidate(organization, log=make_log(treatment(2, "15:00:00")), department=other)
    user = make_user(organization, role="coder", sees_all_departments=False)
    user.departments.add(mine)
    client.force_login(user)

    _response, rows = file_of(client)

    assert [(row[0], row[-1]) for row in rows[3:]] == [(str(seen.found_in.pk), "1")]


def test_refused_rows_are_listed_with_import_and_reason(client, coder, organization):
    log = make_log(treatment(1), treatment(2, WasBeamOn="perhaps"))
    found = import_treatment_log(organization=organization, log=log, by=coder)

    page = client.get(reverse("import-refused"))

    assert rows_told(client, "import-refused") == ("1 row", 1)
    assert "WasBeamOn is &quot;perhaps&quot;" in page.text
    assert reverse("import-detail", args=[found.pk]) in page.text
    assert rows_told(client, "import-refused", start=found.at.date() + timedelta(days=2)) == ("0 rows", 0)


def test_refused_rows_of_an_import_that_is_not_seen_are_not_listed(client, coder, organization):
    here, elsewhere = (make_department(organization) for _ in range(2))
    log = make_log(treatment(1), treatment(2, WasBeamOn="perhaps"))
    import_treatment_log(organization=organization, log=log, by=coder, department=elsewhere)
    reader = make_user(organization, role="coder", sees_all_departments=False)
    reader.departments.set([here])
    client.force_login(reader)

    assert rows_told(client, "import-refused") == ("0 rows", 0)
    assert rows_told(client, "candidate-list") == ("0 candidates", 0)


def test_candidate_list_shows_what_waits_whichever_import_found_it(client, coder, organization):
    import_sample(organization)
    import_treatment_log(organization=organization, log=make_log(treatment(9901, Pat_ID1="777")), by=coder)
    waiting = SessionCandidate.objects.open().count()

    told, shown = rows_told(client, "candidate-list")

    assert (told, shown) == (f"{waiting} candidates", waiting)


def test_candidate_list_narrows_by_days_since_the_import(client, coder, organization, settings):
    found = import_sample(organization)
    waiting = found.session_candidates.open().count()
    settings.NOW = found.at + timedelta(days=8)

    assert rows_told(client, "candidate-list", age=8)[1] == waiting
    assert rows_told(client, "candidate-list", age=9)[1] == 0
    assert rows_told(client, "candidate-list", age_most=7)[1] == 0
    assert client.get(reverse("candidate-list"), {"age": "8", "age_most": "7"}).status_code == 422


@pytest.mark.parametrize("name", ["import-refused", "candidate-list"])
def test_lists_of_imports_ask_a_constant_number_of_queries(
    client, coder, organization, name, django_assert_num_queries
):
    first = make_log(treatment(1), treatment(2, WasBeamOn="perhaps"))
    import_treatment_log(organization=organization, log=first, by=coder)
    client.get(reverse(name))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse(name))
    for key in range(3):
        more = make_log(treatment(10 + key, Pat_ID1=str(600 + key)), treatment(2, WasBeamOn="perhaps"))
        import_treatment_log(organization=organization, log=more, by=coder)

    with django_assert_num_queries(len(few)):
        client.get(reverse(name))
