"""What the database itself refuses: each guard is broken once, past models and forms."""

from datetime import UTC, date, datetime

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from coding.hold_services import release_hold
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling, TraceRecord
from coding.services import capture_charges, mark_exported
from payers.models import PolicyClause, PolicyVersion, VersionStatus
from portal.models import Department, Physician, TreatmentSession
from portal.services.audit import record_event
from tests.builders import (
    make_course,
    make_coverage,
    make_department,
    make_organization,
    make_patient,
    make_payer,
    make_physician,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


def run(sql: str, *values) -> None:
    """Raw SQL, with deferred constraints checked at once."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def captured(organization):
    """A captured session with a ready delivery and guidance line."""
    course = make_treated_course(organization)
    session = make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=session.date_of_service, by=make_user(organization))
    return session


@pytest.fixture
def line(captured):
    return captured.charge_lines.get(role="delivery")


@pytest.fixture
def published(organization):
    """A published version with one cited term and one example."""
    version = make_policy_version(make_payer(organization), terms={"bid": "59"}, publish=False)
    version.examples.create(title="Usual session", facts={"setting": "freestanding"}, expected_lines="77386 x1 pos 11")
    version.status, version.submitted_at = VersionStatus.IN_REVIEW, NOW
    version.save()
    version.status, version.published_at = VersionStatus.PUBLISHED, NOW
    version.save()
    return version


LINE_CONTENT = {
    "code": "'77385'",
    "modifiers": "'{26}'",
    "units": "2",
    "revenue_code": "'0330'",
    "diagnoses": "'{C61}'",
    "billing_npi": "'1234567893'",
    "charge_amount": "1",
    "file_by": "'2027-01-01'",
    "session_id": "session_id + 1",
    "organization_id": "organization_id + 1",
}


@pytest.mark.parametrize("column", LINE_CONTENT)
def test_line_content_never_changes(line, column) -> None:
    with pytest.raises(IntegrityError, match="never changes"):
        run(f"UPDATE coding_chargeline SET {column} = {LINE_CONTENT[column]} WHERE id = %s", line.pk)


@pytest.mark.parametrize(
    ("start", "end"),
    [("ready", "draft"), ("exported", "ready"), ("exported", "held"), ("void", "ready"), ("held", "exported")],
)
def test_line_state_keeps_to_its_way(line, start, end, organization) -> None:
    steps = {"ready": [], "held": ["held"], "exported": ["exported"], "void": ["void"]}[start]
    for state in steps:
        reason = "Entered twice" if state == "void" else ""
        ChargeLine.objects.filter(pk=line.pk).update(state=state, void_reason=reason)

    with pytest.raises(IntegrityError), transaction.atomic():
        ChargeLine.objects.filter(pk=line.pk).update(state=end)


def test_line_is_not_deleted(line) -> None:
    with pytest.raises(IntegrityError, match="DELETE of coding_chargeline"):
        run("DELETE FROM coding_chargeline WHERE id = %s", line.pk)


def test_exported_line_is_never_replaced(line, captured, organization) -> None:
    mark_exported(lines=[line], by=make_user(organization))

    with pytest.raises(IntegrityError, match="never replaced"), transaction.atomic():
        ChargeLine.objects.filter(pk=line.pk).update(replaced_in=captured.rulings.get())


def test_line_stands_once_a_session_form_and_role(line) -> None:
    line.pk = None

    with pytest.raises(IntegrityError, match="line_stands_once"), transaction.atomic():
        line.save(force_insert=True)


@pytest.mark.parametrize("modifiers", [["76", "76"], ["PO", "26", "PO"]])
def test_line_has_no_modifier_twice(line, modifiers) -> None:
    ChargeLine.objects.filter(pk=line.pk).update(state=LineState.VOID, void_reason="Test")
    line.pk, line.modifiers = None, modifiers

    with pytest.raises(IntegrityError, match="none twice"), transaction.atomic():
        line.save(force_insert=True)


def test_line_begins_unsent(line) -> None:
    ChargeLine.objects.filter(pk=line.pk).update(state=LineState.VOID, void_reason="Test")
    line.pk, line.state = None, LineState.EXPORTED

    with pytest.raises(IntegrityError, match="begins as draft"), transaction.atomic():
        line.save(force_insert=True)


def test_line_has_the_last_day_to_file_of_its_ruling(line) -> None:
    ChargeLine.objects.filter(pk=line.pk).update(state=LineState.VOID, void_reason="Test")
    line.pk, line.file_by = None, date(2027, 1, 1)

    with pytest.raises(IntegrityError, match="last day to file of its ruling"), transaction.atomic():
        line.save(force_insert=True)


def test_line_stands_under_no_ruling_that_says_it_has_none(line, organization) -> None:
    unstarted = make_session(make_treated_course(organization), completion="not_started")
    capture_charges(patient=unstarted.course.patient, date_of_service=unstarted.date_of_service, by=None)
    ruling = unstarted.rulings.get()
    line.pk, line.ruling, line.session, line.file_by = None, ruling, unstarted, ruling.file_by

    with pytest.raises(IntegrityError, match="the ruling says that it has lines"), transaction.atomic():
        line.save(force_insert=True)


def test_line_has_a_place_of_service_or_a_revenue_code(line) -> None:
    ChargeLine.objects.filter(pk=line.pk).update(state=LineState.VOID, void_reason="Test")
    line.pk, line.place_of_service = None, "22"

    with pytest.raises(IntegrityError, match="line_place_fits_claim_form"), transaction.atomic():
        line.save(force_insert=True)


def test_ruling_is_history(captured) -> None:
    with pytest.raises(IntegrityError, match="history"), transaction.atomic():
        SessionRuling.objects.filter(session=captured).update(findings=[{"name": "NOTHING"}])


def test_trace_is_history(captured) -> None:
    with pytest.raises(IntegrityError, match="refused"), transaction.atomic():
        TraceRecord.objects.update(steps=[])


def test_hard_hold_has_no_release(organization) -> None:
    course = make_treated_course(organization)
    course.prescriptions.update(signed_at=None, signed_by=None)
    session = make_session(course, fraction=1)
    user = make_user(organization)
    capture_charges(patient=course.patient, date_of_service=session.date_of_service, by=user)

    with pytest.raises(IntegrityError, match="hard_hold_is_never_released"), transaction.atomic():
        SessionHold.objects.update(released_at=NOW, released_by=user, release_note="Please")


def test_released_hold_stays_released(organization) -> None:
    course = make_treated_course(organization)
    session = make_session(course, fraction=34)
    user = make_user(organization)
    capture_charges(patient=course.patient, date_of_service=session.date_of_service, by=user)
    release_hold(hold=SessionHold.objects.get(), note="Seen", at=NOW, by=user)

    with pytest.raises(IntegrityError, match="history"), transaction.atomic():
        SessionHold.objects.update(released_at=None, released_by=None, release_note="")


FROZEN_VERSION = [
    "UPDATE payers_policyversion SET terms = '{}' WHERE id = %s",
    "UPDATE payers_policyversion SET effective_from = '2020-01-01' WHERE id = %s",
    "UPDATE payers_policyversion SET revision = 7 WHERE id = %s",
    "UPDATE payers_policyversion SET summary = 'other' WHERE id = %s",
    "UPDATE payers_policyversion SET reviewed_on = '2026-01-01' WHERE id = %s",
    "UPDATE payers_policyversion SET status = 'draft', published_at = NULL WHERE id = %s",
    "UPDATE payers_policyversion SET published_at = now() WHERE id = %s",
    "DELETE FROM payers_policyversion WHERE id = %s",
    "UPDATE payers_policyclause SET summary = 'other' WHERE version_id = %s",
    "UPDATE payers_policyclause SET citation_title = 'other' WHERE version_id = %s",
    "DELETE FROM payers_policyclause WHERE version_id = %s",
]


@pytest.mark.parametrize("sql", FROZEN_VERSION)
def test_published_version_is_frozen(published, sql) -> None:
    with pytest.raises(IntegrityError):
        run(sql, published.pk)


def test_published_version_is_not_moved_to_another_policy(published, organization) -> None:
    other = make_payer(organization).policy

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=published.pk).update(policy=other)


# The ways in which somebody could alter what was published, each past models and services.


def test_published_version_is_not_saved_over(published) -> None:
    published.summary = "Something else"

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        published.save()


def test_published_version_is_not_updated_in_bulk(published) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=published.pk).update(terms={"bid": "76"})


def test_published_version_is_not_altered_by_raw_sql(published) -> None:
    with pytest.raises(IntegrityError, match="frozen"):
        run("UPDATE payers_policyversion SET guidance = 'other' WHERE id = %s", published.pk)


def test_published_version_is_not_deleted(published) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        published.delete()


def test_published_version_is_not_deleted_by_a_queryset(published) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.filter(pk=published.pk)._raw_delete("default")


def test_published_clause_is_not_pointed_at_another_version(published, organization) -> None:
    draft = make_policy_version(make_payer(organization), publish=False)

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyClause.objects.filter(version=published).update(version=draft)


def test_published_version_takes_no_clause_from_elsewhere(published, organization) -> None:
    draft = make_policy_version(make_payer(organization), terms={"bid": "76"}, publish=False)

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyClause.objects.filter(version=draft).update(version=published, term="min_gap")


def test_published_version_takes_no_new_clause(published) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        published.clauses.create(topic="short", summary="More", citation_title="Manual")


def test_published_clause_is_not_deleted(published) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        published.clauses.all().delete()


@pytest.mark.parametrize("change", [{"expected_lines": ""}, {"facts": {}}, {"title": "Other"}])
def test_published_example_is_not_edited(published, change) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        published.examples.update(**change)


def test_published_version_takes_no_new_example(published) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        published.examples.create(title="Another")


def test_published_version_is_not_made_a_draft_again(published) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=published.pk).update(
            status=VersionStatus.DRAFT, published_at=None, submitted_at=None
        )


def test_published_version_is_not_put_back_into_review(published) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=published.pk).update(status=VersionStatus.IN_REVIEW, published_at=None)


def test_published_version_keeps_its_start(published) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=published.pk).update(effective_from=date(2016, 1, 1))


def test_published_version_keeps_who_submitted_and_published_it(published, organization) -> None:
    other = make_user(organization)

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=published.pk).update(submitted_by=other, published_by=other)


def test_policy_is_not_handed_to_another_payer(published, organization) -> None:
    other = make_payer(organization)
    other.policy.delete()

    with pytest.raises(IntegrityError, match="stays with its payer"), transaction.atomic():
        type(published.policy).objects.filter(pk=published.policy_id).update(payer=other)


def test_payer_is_not_handed_to_another_organization(published) -> None:
    with pytest.raises(IntegrityError, match="stays with its payer"), transaction.atomic():
        type(published.policy.payer).objects.filter(pk=published.policy.payer_id).update(
            organization=make_organization()
        )


def test_draft_is_not_published_without_a_review(organization) -> None:
    draft = make_policy_version(make_payer(organization), publish=False)

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(
            status=VersionStatus.PUBLISHED, submitted_at=NOW, published_at=NOW
        )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE payers_policyversion SET summary = 'other' WHERE id = %s",
        "UPDATE payers_policyversion SET status = 'published', published_at = now(), terms = '{}' WHERE id = %s",
        "DELETE FROM payers_policyversion WHERE id = %s",
        "UPDATE payers_policyclause SET summary = 'other' WHERE version_id = %s",
    ],
)
def test_version_in_review_is_not_altered(organization, sql) -> None:
    version = make_policy_version(make_payer(organization), terms={"bid": "76"}, publish=False)
    PolicyVersion.objects.filter(pk=version.pk).update(status=VersionStatus.IN_REVIEW, submitted_at=NOW)

    with pytest.raises(IntegrityError):
        run(sql, version.pk)


@pytest.mark.parametrize(
    "sql", ["UPDATE payers_policyreview SET reviewed_on = '2026-11-25'", "DELETE FROM payers_policyreview"]
)
def test_review_of_a_version_is_kept(published, organization, sql) -> None:
    published.reviews.create(reviewed_on=NOW.date(), by=make_user(organization), at=NOW)

    with pytest.raises(IntegrityError):
        run(sql)


def test_version_is_not_born_published(organization) -> None:
    policy = make_payer(organization).policy

    with pytest.raises(IntegrityError, match="begins as a draft"), transaction.atomic():
        PolicyVersion.objects.create(
            policy=policy,
            effective_from=date(2015, 1, 1),
            status=VersionStatus.PUBLISHED,
            published_at=NOW,
            reviewed_on=date(2026, 11, 24),
        )


def test_version_is_not_published_with_a_term_uncited(organization) -> None:
    version = make_policy_version(make_payer(organization), terms={"bid": "76"}, publish=False)
    version.clauses.all().delete()

    with pytest.raises(IntegrityError, match="no cited clause"), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(status=VersionStatus.IN_REVIEW, submitted_at=NOW)


def test_retired_version_stays_retired(published) -> None:
    retire = {"status": VersionStatus.RETIRED, "retired_at": NOW, "retire_reason": "Wrong payer"}
    PolicyVersion.objects.filter(pk=published.pk).update(**retire)

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=published.pk).update(
            status=VersionStatus.PUBLISHED, retired_at=None, retire_reason=""
        )


def test_policy_with_versions_is_not_deleted(published) -> None:
    with pytest.raises(IntegrityError):
        run("DELETE FROM payers_payerpolicy WHERE id = %s", published.policy_id)


TRUNCATED = [
    "portal_auditevent",
    "payers_policyversion",
    "payers_policyclause",
    "payers_policyexample",
    "payers_policyreview",
    "coding_chargeline",
    "coding_sessionhold",
    "coding_sessionruling",
    "coding_tracerecord",
]


@pytest.mark.parametrize("table", TRUNCATED)
def test_history_is_not_truncated(table) -> None:
    # The suite switches these triggers off so that it can empty its own tables; this test switches one back on.
    with pytest.raises(IntegrityError, match="refused"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE {table} CASCADE")


def test_published_versions_are_not_truncated_with_their_policies() -> None:
    with pytest.raises(IntegrityError, match="refused"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payers_policyversion ENABLE TRIGGER USER")
        cursor.execute("TRUNCATE payers_payerpolicy CASCADE")


@pytest.mark.parametrize("sql", ["UPDATE portal_auditevent SET sentence = ''", "DELETE FROM portal_auditevent"])
def test_audit_trail_only_grows(organization, sql) -> None:
    record_event(subject=organization, action="test", sentence="Something", by=None, organization=organization)

    with pytest.raises(IntegrityError, match="refused"):
        run(sql)


def test_session_is_voided_not_deleted(captured) -> None:
    with pytest.raises(IntegrityError):
        run("DELETE FROM portal_treatmentsession WHERE id = %s", captured.pk)


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2100, 1, 1)])
def test_session_date_is_bounded(captured, day) -> None:
    with pytest.raises(IntegrityError, match=r"session_date_bounded|session_day"), transaction.atomic():
        TreatmentSession.objects.filter(pk=captured.pk).update(date_of_service=day)


def test_session_day_is_that_of_its_start(captured) -> None:
    with pytest.raises(IntegrityError, match="session_day_is_that_of_its_start"), transaction.atomic():
        TreatmentSession.objects.filter(pk=captured.pk).update(date_of_service=date(2025, 12, 6))


def test_session_is_voided_by_someone_for_a_reason(captured) -> None:
    with pytest.raises(IntegrityError, match="session_voided_by_someone"), transaction.atomic():
        TreatmentSession.objects.filter(pk=captured.pk).update(voided_at=NOW)


@pytest.mark.parametrize("npi", ["1234567890", "123456789", "12345678931", "abcdefghij"])
@pytest.mark.parametrize("model", [Department, Physician])
def test_npi_has_its_check_digit(organization, model, npi) -> None:
    make_department(organization)
    make_physician(organization)

    with pytest.raises(DatabaseError), transaction.atomic():
        model.objects.filter(organization=organization).update(npi=npi)


def test_course_keeps_to_one_organization(organization) -> None:
    course = make_course(make_patient(organization), make_department(organization))
    stranger = make_patient(make_organization())

    with pytest.raises(IntegrityError, match="course_patient_of_organization"):
        run("UPDATE portal_course SET patient_id = %s WHERE id = %s", stranger.pk, course.pk)


def test_session_keeps_to_one_organization(captured) -> None:
    other = make_department(make_organization())

    with pytest.raises(IntegrityError, match="session_department_of_organization"):
        run("UPDATE portal_treatmentsession SET department_id = %s WHERE id = %s", other.pk, captured.pk)


def test_coverage_keeps_to_one_organization(organization) -> None:
    coverage = make_coverage(make_patient(organization), make_payer(organization))
    other = make_payer(make_organization())

    with pytest.raises(IntegrityError, match="coverage_payer_of_organization"):
        run("UPDATE payers_coverage SET payer_id = %s WHERE id = %s", other.pk, coverage.pk)


def test_coverage_of_one_rank_does_not_overlap(organization) -> None:
    patient, payer = make_patient(organization), make_payer(organization)
    make_coverage(patient, payer, starts_on=date(2025, 1, 1), ends_on=date(2025, 6, 30))

    with pytest.raises(IntegrityError, match="coverage_one_payer_a_rank_and_day"), transaction.atomic():
        make_coverage(patient, payer, starts_on=date(2025, 6, 30))


def test_coverage_may_begin_the_day_after_the_last(organization) -> None:
    patient, payer = make_patient(organization), make_payer(organization)
    make_coverage(patient, payer, starts_on=date(2025, 1, 1), ends_on=date(2025, 6, 30))

    make_coverage(patient, payer, starts_on=date(2025, 7, 1))

    assert patient.coverages.count() == 2


def test_one_open_draft_a_policy(organization) -> None:
    payer = make_payer(organization)
    make_policy_version(payer, publish=False)

    with pytest.raises(IntegrityError, match="policy_has_one_draft"), transaction.atomic():
        make_policy_version(payer, publish=False, effective_from=date(2026, 1, 1))
