"""Every address x every role x own and other organization, against a table that people review.

An address that is not in the table fails the first test.
"""

from datetime import UTC, date, datetime, time

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from coding.models import ContractRate, FeeSchedule, ImpactPreview, RecaptureItem, ReferenceLoad
from coding.services import capture_from
from payers.services import submit_version
from portal.models import GapReason, ScheduledFraction, TreatmentLogUpload
from portal.services.imports import import_treatment_log, keep_upload
from portal.services.views import save_view
from portal.treatment_log_files import read_folder
from tests.builders import (
    make_authorization,
    make_department,
    make_job,
    make_machine,
    make_message,
    make_organization,
    make_payer,
    make_physician,
    make_policy_version,
    make_report_schedule,
    make_session,
    make_treated_course,
    make_user,
)
from tests.portal.treatment_logs import SAMPLE

pytestmark = pytest.mark.django_db

ROLES = ("coder", "manager", "admin", "auditor")
EVERYONE = set(ROLES)
ENTER = {"coder", "manager", "admin"}
OVERSEE = {"manager", "admin", "auditor"}
VOID = {"manager", "admin"}
LOOK_AT_SETUP = {"admin", "auditor"}
SET_UP = {"admin"}

# name: (who may, methods it takes, what of the organization it names)
MATRIX = {
    "home": (EVERYONE, "GET", ""),
    "dashboard-needs": (ENTER, "GET", ""),
    "dashboard-lines": (OVERSEE, "GET", ""),
    "dashboard-lag": (OVERSEE, "GET", ""),
    "dashboard-gaps": (OVERSEE, "GET", ""),
    "dashboard-filing": (OVERSEE, "GET", ""),
    "dashboard-sunset": (OVERSEE, "GET", ""),
    "dashboard-holds": (OVERSEE, "GET", ""),
    "dashboard-expected": (OVERSEE, "GET", ""),
    "dashboard-people": (OVERSEE, "GET", ""),
    "dashboard-imports": (OVERSEE, "GET", ""),
    "dashboard-references": (OVERSEE, "GET", ""),
    "dashboard-policies": (SET_UP, "GET", ""),
    "dashboard-users": (SET_UP, "GET", ""),
    "search": (EVERYONE, "GET POST", ""),
    "password-change": (EVERYONE, "GET POST", ""),
    "password-changed": (EVERYONE, "GET", ""),
    "form-token": (EVERYONE, "GET", ""),
    "sign-out": (EVERYONE, "POST", ""),
    # Inbox
    "inbox": (OVERSEE, "GET", ""),
    "inbox-read-all": (OVERSEE, "POST", ""),
    "inbox-message": (OVERSEE, "GET", "own message"),
    "inbox-file": (OVERSEE, "GET", "own message"),
    "inbox-read": (OVERSEE, "POST", "own message"),
    "inbox-unread": (OVERSEE, "POST", "own message"),
    "inbox-remove": (OVERSEE, "POST", "own message"),
    "inbox-restore": (OVERSEE, "POST", "own message"),
    # Set-up
    "setup-home": (LOOK_AT_SETUP, "GET", ""),
    "organization-amend": (SET_UP, "GET POST", ""),
    "department-list": (LOOK_AT_SETUP, "GET", ""),
    "department-create": (SET_UP, "GET POST", ""),
    "department-amend": (SET_UP, "GET POST", "department"),
    "machine-list": (LOOK_AT_SETUP, "GET", ""),
    "machine-create": (SET_UP, "GET POST", ""),
    "machine-amend": (SET_UP, "GET POST", "machine"),
    "physician-list": (LOOK_AT_SETUP, "GET", ""),
    "physician-create": (SET_UP, "GET POST", ""),
    "physician-amend": (SET_UP, "GET POST", "physician"),
    "user-list": (LOOK_AT_SETUP, "GET", ""),
    "user-list-csv": (LOOK_AT_SETUP, "GET", ""),
    "user-create": (SET_UP, "GET POST", ""),
    "user-amend": (SET_UP, "GET POST", "user"),
    "closed-day-list": (EVERYONE, "GET", ""),
    "closed-day-create": (SET_UP, "GET POST", ""),
    "closed-day-holidays": (SET_UP, "GET POST", ""),
    "closed-day-restore": (SET_UP, "POST", ""),
    "closed-day-remove": (SET_UP, "POST", "closed day"),
    "payer-list": (LOOK_AT_SETUP, "GET", ""),
    "payer-create": (SET_UP, "GET POST", ""),
    "payer-amend": (SET_UP, "GET POST", "payer"),
    "reference-list": (LOOK_AT_SETUP, "GET", ""),
    "reference-load": (SET_UP, "GET POST", ""),
    "reference-detail": (LOOK_AT_SETUP, "GET", "official file"),
    "price-list": (LOOK_AT_SETUP, "GET", ""),
    "price-create": (SET_UP, "GET POST", ""),
    "price-amend": (SET_UP, "GET POST", "price"),
    "rate-list": (LOOK_AT_SETUP, "GET", ""),
    "rate-list-csv": (LOOK_AT_SETUP, "GET", ""),
    "rate-create": (SET_UP, "GET POST", ""),
    "rate-import": (SET_UP, "GET POST", ""),
    "rate-bring-in": (SET_UP, "POST", ""),
    "rate-follow-again": (SET_UP, "POST", "failed capture"),
    "rate-amend": (SET_UP, "GET POST", "rate"),
    # Patients, courses, coverage
    "patient-list": (EVERYONE, "GET POST", ""),
    "patient-create": (ENTER, "GET POST", ""),
    "patient-detail": (EVERYONE, "GET", "patient"),
    "patient-amend": (ENTER, "GET POST", "patient"),
    "course-create": (ENTER, "GET POST", "patient"),
    "course-detail": (EVERYONE, "GET", "course"),
    "course-opened": (EVERYONE, "POST", "course"),
    "course-amend": (ENTER, "GET POST", "course"),
    "prescription-create": (ENTER, "GET POST", "course"),
    "prescription-amend": (ENTER, "GET POST", "prescription"),
    "fractions-plan": (ENTER, "GET POST", "prescription"),
    "fractions-plan-undo": (ENTER, "POST", "prescription"),
    "fraction-missed": (ENTER, "GET POST", "fraction"),
    "coverage-create": (ENTER, "GET POST", "patient"),
    "coverage-amend": (ENTER, "GET POST", "coverage"),
    "authorization-create": (ENTER, "GET POST", "course"),
    "authorization-amend": (ENTER, "GET POST", "authorization"),
    # Sessions and day sheets
    "session-list": (EVERYONE, "GET", ""),
    "session-list-csv": (EVERYONE, "GET", ""),
    "session-create": (ENTER, "GET POST", "?course"),
    "session-preview": (ENTER, "POST", "?course"),
    "session-detail": (EVERYONE, "GET", "session"),
    "session-amend": (ENTER, "GET POST", "session"),
    "session-void": (VOID, "GET POST", "session"),
    "day-sheet": (EVERYONE, "GET", "?machine"),
    "day-sheet-row": (ENTER, "POST", "machine and day"),
    "day-sheet-save": (ENTER, "POST", "machine and day"),
    "day-sheet-matched": (ENTER, "POST", "machine and day"),
    "day-sheet-undo": (ENTER, "POST", "machine and day"),
    "day-sheet-paste": (ENTER, "GET POST", "?machine"),
    "day-sheet-changes": (EVERYONE, "GET", "?machine"),
    # Imports
    "import-list": (EVERYONE, "GET", ""),
    "import-list-csv": (EVERYONE, "GET", ""),
    "import-refused": (EVERYONE, "GET", ""),
    "candidate-list": (EVERYONE, "GET", ""),
    "import-upload": (ENTER, "GET POST", ""),
    "import-preview": (ENTER, "GET POST", "upload"),
    "import-discard": (ENTER, "POST", "upload"),
    "import-detail": (EVERYONE, "GET", "import"),
    "candidate-detail": (EVERYONE, "GET", "candidate"),
    "candidate-confirm": (ENTER, "GET POST", "candidate"),
    "candidate-dismiss": (ENTER, "POST", "candidate"),
    "candidate-reopen": (ENTER, "POST", "candidate"),
    "candidate-accept": (ENTER, "POST", "candidate"),
    # Charges
    "charge-review": (EVERYONE, "GET", ""),
    "charge-review-csv": (EVERYONE, "GET", ""),
    "line-preview": (ENTER, "POST", ""),
    "line-carry-out": (ENTER, "POST", ""),
    "line-set-back": (ENTER, "POST", ""),
    "saved-view-save": (EVERYONE, "POST", ""),
    "saved-view-restore": (EVERYONE, "POST", ""),
    "saved-view-rename": (EVERYONE, "POST", "own view"),
    "saved-view-remove": (EVERYONE, "POST", "own view"),
    "sessions-without-line": (EVERYONE, "GET", ""),
    "sessions-without-line-csv": (EVERYONE, "GET", ""),
    "line-why": (EVERYONE, "GET", "line"),
    "line-void": (VOID, "GET POST", "line"),
    "session-why": (EVERYONE, "GET", "session"),
    "hold-list": (EVERYONE, "GET", ""),
    "hold-list-csv": (EVERYONE, "GET", ""),
    "hold-preview": (ENTER, "POST", ""),
    "hold-carry-out": (ENTER, "POST", ""),
    "hold-set-back": (ENTER, "POST", ""),
    "hold-detail": (EVERYONE, "GET", "hold"),
    "hold-act": (ENTER, "POST", "hold"),
    "hold-assign": (ENTER, "POST", "hold"),
    "hold-note": (ENTER, "POST", "hold"),
    "hold-release": (ENTER, "POST", "hold"),
    "hold-reopen": (ENTER, "POST", "hold"),
    # Captured again
    "recapture-list": (ENTER, "GET", ""),
    "recapture-preview": (ENTER, "POST", ""),
    "recapture-carry-out": (ENTER, "POST", ""),
    "recapture-set-back": (ENTER, "POST", ""),
    "recapture-ask-again": (ENTER, "POST", "failed job"),
    # Oversight
    "filing-clock": (EVERYONE, "GET", ""),
    "filing-clock-csv": (EVERYONE, "GET", ""),
    "filing-sunset": (EVERYONE, "GET", ""),
    "filing-sunset-csv": (EVERYONE, "GET", ""),
    "filing-limits": (EVERYONE, "GET", ""),
    "filing-proof": (EVERYONE, "GET", "line"),
    "authorization-ledger": (EVERYONE, "GET", ""),
    "level-guard": (OVERSEE, "GET", ""),
    "level-guard-sessions": (OVERSEE, "GET", ""),
    "level-guard-course": (OVERSEE, "GET", "course"),
    "reconciliation": (OVERSEE, "GET", ""),
    "reconciliation-csv": (OVERSEE, "GET", ""),
    "reconciliation-visits": (OVERSEE, "GET", ""),
    "reconciliation-visits-csv": (OVERSEE, "GET", ""),
    "reconciliation-day": (OVERSEE, "GET", "own department"),
    "reconciliation-reason": (VOID, "POST", "department and day"),
    "reconciliation-sign-off": (VOID, "POST", "department and day"),
    "reconciliation-withdraw": (VOID, "POST", "department and day"),
    "reconciliation-reason-back": (VOID, "POST", "gap reason"),
    "report-charges": (OVERSEE, "GET", ""),
    "report-charges-csv": (OVERSEE, "GET", ""),
    "report-charges-xlsx": (OVERSEE, "GET", ""),
    "report-list": (OVERSEE, "GET", ""),
    "report-schedule": (OVERSEE, "GET POST", "saved report"),
    "report-schedule-stop": (OVERSEE, "POST", "own delivery"),
    "report-holds": (OVERSEE, "GET", ""),
    "report-holds-csv": (OVERSEE, "GET", ""),
    "report-holds-xlsx": (OVERSEE, "GET", ""),
    "report-expected": (OVERSEE, "GET", ""),
    "report-expected-csv": (OVERSEE, "GET", ""),
    "report-expected-xlsx": (OVERSEE, "GET", ""),
    "report-denials": (OVERSEE, "GET", ""),
    "report-denials-csv": (OVERSEE, "GET", ""),
    "report-denials-xlsx": (OVERSEE, "GET", ""),
    "report-levels": (OVERSEE, "GET", ""),
    "report-levels-csv": (OVERSEE, "GET", ""),
    "report-levels-xlsx": (OVERSEE, "GET", ""),
    "report-authorizations": (OVERSEE, "GET", ""),
    "report-authorizations-csv": (OVERSEE, "GET", ""),
    "report-authorizations-xlsx": (OVERSEE, "GET", ""),
    "report-seam": (OVERSEE, "GET", ""),
    "report-seam-csv": (OVERSEE, "GET", ""),
    "report-seam-xlsx": (OVERSEE, "GET", ""),
    "report-productivity": (OVERSEE, "GET", ""),
    "report-productivity-csv": (OVERSEE, "GET", ""),
    "report-productivity-xlsx": (OVERSEE, "GET", ""),
    "report-access": (OVERSEE, "GET", ""),
    "report-access-csv": (OVERSEE, "GET", ""),
    "report-access-xlsx": (OVERSEE, "GET", ""),
    "audit-list": (OVERSEE, "GET", ""),
    "audit-csv": (OVERSEE, "GET", ""),
    "audit-object": (OVERSEE, "GET", "audited"),
    # Rules
    "matrix": (EVERYONE, "GET", ""),
    "matrix-csv": (EVERYONE, "GET", ""),
    "guidance-list": (EVERYONE, "GET", ""),
    "guidance-search": (EVERYONE, "GET", ""),
    "guidance-detail": (EVERYONE, "GET", "payer slug"),
    "guidance-read": (EVERYONE, "POST", "payer slug"),
    "try-a-case": (EVERYONE, "GET", ""),
    "attestation-list": (ENTER, "GET", ""),
    "attestation-detail": (ENTER, "GET", "own attestation"),
    "attestation-attest": (ENTER, "POST", "own attestation"),
    "reader-list": (OVERSEE, "GET", ""),
    "reader-detail": (OVERSEE, "GET", "published"),
    "reader-csv": (OVERSEE, "GET", "published"),
    "reader-remind": (VOID, "POST", "published"),
    "code-list": (EVERYONE, "GET", ""),
    "code-transition": (EVERYONE, "GET", ""),
    "code-detail": (EVERYONE, "GET", "code"),
    "policy-list": (EVERYONE, "GET", ""),
    "policy-list-csv": (EVERYONE, "GET", ""),
    "pack-list": (EVERYONE, "GET", ""),
    "pack-zip": (EVERYONE, "GET", ""),
    "pack-toml": (EVERYONE, "GET", "payer slug"),
    "pack-import": (SET_UP, "GET POST", ""),
    "pack-bring-in": (SET_UP, "POST", ""),
    "pack-compare": (EVERYONE, "GET POST", ""),
    "policy-detail": (EVERYONE, "GET", "payer slug"),
    "version-draft": (SET_UP, "GET POST", "payer slug"),
    "version-detail": (EVERYONE, "GET", "published"),
    "version-edit": (SET_UP, "GET POST", "draft"),
    "version-term": (SET_UP, "GET POST", "draft term"),
    "clause-create": (SET_UP, "GET POST", "draft"),
    "clause-amend": (SET_UP, "GET POST", "clause"),
    "clause-remove": (SET_UP, "POST", "clause"),
    "version-free-text": (SET_UP, "GET POST", "draft"),
    "version-try": (SET_UP, "GET", "draft"),
    "example-create": (SET_UP, "GET POST", "draft"),
    "example-amend": (SET_UP, "GET POST", "example"),
    "example-move": (SET_UP, "POST", "example"),
    "example-move-all": (SET_UP, "POST", "draft"),
    "example-remove": (SET_UP, "POST", "example"),
    "version-compare": (EVERYONE, "GET", "published"),
    "version-submit": (SET_UP, "GET POST", "draft"),
    "version-publish": (SET_UP, "GET POST", "in review"),
    "version-send-back": (SET_UP, "POST", "in review"),
    "version-review": (SET_UP, "GET POST", "published"),
    "policy-review-list": (EVERYONE, "GET", ""),
    "policy-override-list": (EVERYONE, "GET", ""),
    "version-retire": (SET_UP, "GET POST", "published"),
    "version-discard": (SET_UP, "POST", "draft"),
    "version-impact": (OVERSEE, "GET", "draft"),
    "version-impact-start": (SET_UP, "POST", "draft"),
    "version-impact-cancel": (SET_UP, "POST", "draft"),
    "version-impact-csv": (OVERSEE, "GET", "draft"),
    "version-impact-session": (OVERSEE, "GET", "changed session"),
}
OPEN_TO_STRANGERS = {"sign-in"}
# What a person of one department does not find of another.
OF_A_DEPARTMENT = {
    "closed day",
    "patient",
    "course",
    "prescription",
    "fraction",
    "coverage",
    "authorization",
    "session",
    "audited",
    "line",
    "hold",
    "upload",
    "own view",
    "own attestation",
    "own delivery",
    "own message",
    "import",
    "candidate",
    "?course",
    "?machine",
    "machine and day",
    "own department",
    "department and day",
    "gap reason",
    "changed session",
}
# The codebook is the same for every organization.
THE_SAME_FOR_ALL = {"", "code", "official file"}
REFUSED, MISSING, GIVEN, TO_SIGN_IN = "refused", "missing", "given", "to the sign-in"


def names_of_all_addresses(patterns) -> list[str]:
    nested = [name for p in patterns if hasattr(p, "url_patterns") for name in names_of_all_addresses(p.url_patterns)]
    return nested + [p.name for p in patterns if not hasattr(p, "url_patterns")]


def upload_of(person) -> TreatmentLogUpload:
    """The sample log as the person has just sent it."""
    tables = {path.stem: path.read_bytes() for path in SAMPLE.glob("*.csv")}
    at = datetime(2026, 11, 24, 15, tzinfo=UTC)
    return keep_upload(organization=person.organization, department=None, tables=tables, at=at, by=person)


class World:
    """One organization with one of everything that an address can name, and a person of each role."""

    def __init__(self, slug: str) -> None:
        organization = make_organization()
        self.people = {role: make_user(organization, role=role) for role in ROLES}
        payer = make_payer(organization, slug=slug)
        published = make_policy_version(payer, terms={"bid": "76"})
        draft = make_policy_version(payer, terms={"bid": "59"}, publish=False, effective_from=date(2026, 1, 1))
        in_review = submit_version(
            version=make_policy_version(make_payer(organization), publish=False, summary="The first one."),
            at=datetime(2026, 11, 24, 15, tzinfo=UTC),
            by=self.people["admin"],
        )
        department = make_department(organization)
        machine = make_machine(department, source_name="61")
        course = make_treated_course(organization, department=department, payer=payer)
        coverage = course.patient.coverages.get()
        prescription = course.prescriptions.get()
        fraction = ScheduledFraction.objects.create(
            prescription=prescription,
            fraction_number=2,
            planned_on=date(2025, 12, 4),
            planned_time=time(9),
            machine=machine,
        )
        session = make_session(course, fraction=34, machine=machine)
        capture_from(patient=course.patient, day=session.date_of_service, by=self.people["coder"])
        preview = ImpactPreview.objects.create(
            version=draft,
            job=make_job(self.people["admin"], state="done"),
            first=session.date_of_service,
            last=session.date_of_service,
            sessions=1,
            changed=1,
        )
        trace = session.rulings.get().trace
        words = {"lines_before": "77386-76 x1 rev 0333", "lines_after": "77386-59 x1 rev 0333"}
        RecaptureItem.objects.create(version=published, session=session, **words)
        price = FeeSchedule.objects.create(
            organization=organization, code="77386", effective_from=date(2015, 1, 1), amount=1980
        )
        found = import_treatment_log(organization=organization, log=read_folder(SAMPLE), by=self.people["coder"])
        uploads = {role: upload_of(person) for role, person in self.people.items()}
        views = {
            role: save_view(place="charges", name="Held", query="state=held", is_shared=True, by=person)
            for role, person in self.people.items()
        }
        saved_report = save_view(
            place="reports", name="By month", query="report=levels&by=month", is_shared=True, by=self.people["manager"]
        )
        deliveries = {role: make_report_schedule(saved_report, person) for role, person in self.people.items()}
        received = {role: make_message(person) for role, person in self.people.items()}
        asked = {
            role: published.attestations.create(user=person, asked_at=datetime(2026, 11, 24, 15, tzinfo=UTC))
            for role, person in self.people.items()
        }
        records = {
            "department": department,
            "own department": department,
            "department and day": department,
            "gap reason": GapReason.objects.create(
                organization=organization,
                department=department,
                day=session.date_of_service,
                kind="over_prescription",
                course=course,
                session=session,
                reason="Ordered by telephone",
                by=self.people["manager"],
                at=session.started_at,
            ),
            "saved report": saved_report,
            "machine": machine,
            "closed day": department.closed_days.create(day=date(2026, 1, 1), reason="New Year's Day"),
            "physician": make_physician(organization),
            "user": make_user(organization, role="coder"),
            "payer": payer,
            "price": price,
            "rate": ContractRate.objects.create(
                organization=organization,
                payer=payer,
                code="77412",
                effective_from=date(2026, 1, 1),
                amount=1450,
                source="Contract of 2026",
            ),
            "official file": ReferenceLoad.objects.get_or_create(
                kind="cpt_descriptors",
                effective_from=date(2026, 1, 1),
                defaults={"release": "2026", "loaded_at": datetime(2026, 11, 24, 15, tzinfo=UTC)},
            )[0],
            "patient": course.patient,
            "course": course,
            "prescription": prescription,
            "fraction": fraction,
            "coverage": coverage,
            "authorization": make_authorization(course, payer),
            "session": session,
            "import": found,
            "candidate": found.session_candidates.first(),
            "failed capture": make_job(self.people["admin"], kind="capture_rates", state="failed", problem="Not done."),
            "failed job": make_job(self.people["admin"], kind="list_recapture", state="failed", problem="Not done."),
            "changed session": preview.rows.create(
                session=session, date_of_service=preview.first, trace_before=trace, trace_after=trace, **words
            ),
            "line": session.charge_lines.first(),
            "hold": session.holds.get(name="OVER_PRESCRIPTION"),
            "published": published,
            "draft": draft,
            "in review": in_review,
            "example": draft.examples.create(title="First session", facts={"date_of_service": "2026-01-02"}),
            "clause": draft.clauses.create(topic="appeals", summary="Sixty days.", citation_title="Manual", position=9),
        }
        self.arguments = {noun: {"pk": record.pk} for noun, record in records.items()} | {
            "payer slug": {"slug": payer.slug},
            "code": {"code": "77386"},
            "draft term": {"pk": draft.pk, "key": "min_gap"},
            "audited": {"kind": "portal.treatmentsession", "pk": session.pk},
        }
        self.of_each = {
            "upload": {role: {"pk": upload.pk} for role, upload in uploads.items()},
            "own view": {role: {"pk": view.pk} for role, view in views.items()},
            "own delivery": {role: {"pk": delivery.pk} for role, delivery in deliveries.items()},
            "own message": {role: {"pk": message.pk} for role, message in received.items()},
            "own attestation": {role: {"pk": attestation.pk} for role, attestation in asked.items()},
        }
        self.queries = {"?course": f"?course={course.pk}", "?machine": f"?machine={machine.pk}"}
        self.bodies = {
            "machine and day": {
                "machine": machine.pk,
                "date": "2025-12-04",
                "row": course.pk,
                f"row-{course.pk}-mark": "",
            },
            "?course": {"course": course.pk},
            "payer slug": {"version": published.pk},
            "department and day": {"day": "2025-12-03"},
        }
        self.elsewhere = make_user(organization, role="admin", sees_all_departments=False)
        self.elsewhere.departments.set([make_department(organization)])

    def body(self, noun: str) -> dict:
        return self.bodies.get(noun, {})

    def address(self, name: str, noun: str, role: str) -> str:
        arguments = self.of_each[noun][role] if noun in self.of_each else self.arguments.get(noun, {})
        return reverse(name, kwargs=arguments) + self.queries.get(noun, "")


@pytest.fixture
def worlds(roles):
    return World("own-payer"), World("other-payer")


def outcome(person, address: str, method: str, body: dict) -> str:
    """What a person's request comes to, undone at once; an answer that nobody foresaw is told by its number."""
    client = Client(raise_request_exception=False)
    with transaction.atomic():
        if person is not None:
            client.force_login(person)
        response = client.get(address) if method == "GET" else client.post(address, body)
        transaction.set_rollback(True)
    if response.status_code == 302 and response.url.startswith(reverse("sign-in")):
        return TO_SIGN_IN
    known = {403: REFUSED, 404: MISSING, 200: GIVEN, 204: GIVEN, 302: GIVEN, 422: GIVEN, 400: GIVEN}
    return known.get(response.status_code, str(response.status_code))


def outcomes(person, world: World, name: str, role: str) -> dict[str, str]:
    """What each method of an address comes to, asked for the world's own record."""
    _, methods, noun = MATRIX[name]
    return {
        method: outcome(person, world.address(name, noun, role), method, world.body(noun)) for method in methods.split()
    }


def test_every_address_is_in_the_table() -> None:
    named = set(names_of_all_addresses(get_resolver().url_patterns))

    assert named == set(MATRIX) | OPEN_TO_STRANGERS


@pytest.mark.parametrize("name", MATRIX)
def test_address_gives_each_person_what_the_table_says(name, worlds) -> None:
    own, other = worlds
    who, methods, noun = MATRIX[name]
    methods = methods.split()
    elsewhere = GIVEN if noun in THE_SAME_FOR_ALL else MISSING
    signed_out = TO_SIGN_IN if name == "sign-out" else GIVEN

    found = {
        "stranger": outcomes(None, own, name, "coder"),
        "of another department": outcomes(own.elsewhere, own, name, "admin"),
    }
    found |= {f"{role}, own": outcomes(own.people[role], own, name, role) for role in ROLES}
    found |= {f"{role}, other": outcomes(own.people[role], other, name, role) for role in ROLES}

    assert found == {
        "stranger": dict.fromkeys(methods, TO_SIGN_IN),
        "of another department": dict.fromkeys(methods, MISSING if noun in OF_A_DEPARTMENT else signed_out),
        **{f"{role}, own": dict.fromkeys(methods, signed_out if role in who else REFUSED) for role in ROLES},
        **{
            f"{role}, other": dict.fromkeys(methods, MISSING if elsewhere == MISSING else signed_out)
            if role in who
            else dict.fromkeys(methods, REFUSED)
            for role in ROLES
        },
    }
