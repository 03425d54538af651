"""Loaded official files in the codebook: each rules from its first day on, is cited, and ends with the next."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from coding.case_files import format_findings, read_cases
from coding.codebook_files import load_codebook
from coding.codebook_in_use import current_codebook
from coding.engine.code_session import code_session
from coding.engine.terms import PolicyTerms
from coding.engine.vocabulary import ClaimForm, PayerKind
from coding.models import ReferenceKind, SessionHold
from coding.reference_services import load_reference
from coding.services import capture_from
from tests.builders import make_organization, make_session, make_treated_course, make_user
from tests.coding import reference_samples as samples

pytestmark = pytest.mark.django_db
Q2, Q3, Q4 = date(2026, 4, 1), date(2026, 7, 1), date(2026, 10, 1)
LAST_OF_Q2, FIRST_OF_Q3 = "2026-06-30", "2026-07-01"
HEADING = "case,date_of_service,setting,payer,claim,technique,diagnoses,guidance,other_codes_same_day"


def load(kind, text, on=Q3):
    return load_reference(
        kind=kind,
        effective_from=on,
        release=f"release of {on}",
        files=[samples.as_file(text)],
        by=None,
        at=datetime(2026, 11, 24, tzinfo=UTC),
    )


def ruling(day, *, others="", diagnoses="C02.1"):
    """What the engine says of a hospital's session of 2026 under the codebook in use."""
    row = f"one,{day},hospital_on_campus,medicare,institutional,imrt_complex,{diagnoses},cbct,{others}"
    (case,) = read_cases(f"{HEADING}\n{row}\n", {"medicare": PayerKind.MEDICARE})
    terms = PolicyTerms(
        policy="medicare", version="Medicare", effective_from=date(2015, 1, 1), reviewed_on=date(2026, 1, 1), clauses={}
    )
    return code_session(case.facts, terms, current_codebook())


def cited(found, name) -> list[str]:
    return [c.title for finding in found.findings if finding.name == name for c in finding.citations]


def test_current_codebook_without_a_load_is_the_one_that_ships():
    assert current_codebook() is load_codebook()


def test_current_codebook_asks_once_and_is_kept(django_assert_num_queries):
    load(ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL)
    first = current_codebook()

    with django_assert_num_queries(1):
        second = current_codebook()

    assert second is first
    assert first.digest != load_codebook().digest


def test_a_loaded_unit_limit_holds_from_its_first_day_and_is_cited():
    none_allowed = samples.MUE_HOSPITAL.replace("77407,1", "77407,0")
    load(ReferenceKind.MUE_HOSPITAL, none_allowed)

    before, after = ruling(LAST_OF_Q2), ruling(FIRST_OF_Q3)

    assert "MUE_EXCEEDED" not in format_findings(before)
    assert "HOLD: MUE_EXCEEDED" in format_findings(after)
    assert cited(after, "MUE_EXCEEDED") == ["NCCI unit limits (MUE), outpatient hospital, release of 2026-07-01"]


def test_a_loaded_unit_limit_rules_on_what_is_captured_from_its_first_day():
    organization = make_organization()
    coder = make_user(organization)
    course = make_treated_course(organization)
    for day in (date(2026, 6, 30), date(2026, 7, 1)):
        make_session(course, started_at=datetime(day.year, day.month, day.day, 15, tzinfo=UTC))
    load(ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL.replace("77407,1", "77407,0"))

    capture_from(patient=course.patient, day=date(2026, 6, 1), by=coder)

    (hold,) = SessionHold.objects.filter(name="MUE_EXCEEDED")
    assert hold.session.date_of_service == Q3
    (finding,) = (found for found in hold.ruling.findings if found["name"] == "MUE_EXCEEDED")
    assert "release of 2026-07-01" in str(finding["citations"])


def test_a_loaded_unit_limit_ends_with_the_next_load():
    load(ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL.replace("77407,1", "77407,0"))
    load(ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL, on=Q4)

    assert "MUE_EXCEEDED" in format_findings(ruling("2026-09-30"))
    assert "MUE_EXCEEDED" not in format_findings(ruling("2026-10-01"))


def test_a_loaded_unit_limit_leaves_the_other_file_as_it_ships():
    load(ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL)

    codebook = current_codebook()

    assert codebook.unit_limit(ClaimForm.PROFESSIONAL, "77386", on=Q3).units == 1
    assert codebook.unit_limit(ClaimForm.INSTITUTIONAL, "77402", on=Q3) is None


def test_a_loaded_pair_holds_from_its_first_day_and_is_cited():
    load(ReferenceKind.PTP_HOSPITAL, samples.ptp("77407 99999 20260701 * 0", "77407 88888 20260701 20260731 0"))

    before, after = ruling(LAST_OF_Q2, others="99999"), ruling(FIRST_OF_Q3, others="99999")

    assert "NCCI" not in format_findings(before)
    assert "ERROR: NCCI_INDICATOR_0" in format_findings(after)
    assert cited(after, "NCCI_INDICATOR_0") == ["NCCI pairs, outpatient hospital, release of 2026-07-01"]


def test_a_loaded_pair_ends_with_its_deletion_date():
    load(ReferenceKind.PTP_HOSPITAL, samples.ptp("77407 88888 20260701 20260731 0"))

    assert "NCCI_INDICATOR_0" in format_findings(ruling("2026-07-31", others="88888"))
    assert "NCCI" not in format_findings(ruling("2026-08-01", others="88888"))


def test_a_pair_that_was_deleted_as_if_it_had_never_been_holds_on_no_day():
    load(ReferenceKind.PTP_HOSPITAL, samples.ptp("77407 88888 20260701 20260701 9", "77407 77402 20260101 * 1"))

    assert "NCCI" not in format_findings(ruling(FIRST_OF_Q3, others="88888"))


def test_a_loaded_rate_is_that_of_its_own_year():
    load(ReferenceKind.ADDENDUM_B, samples.ADDENDUM_B, on=date(2027, 1, 1))
    load(ReferenceKind.PFS_RVU, samples.PFS_RVU, on=date(2027, 1, 1))

    codebook = current_codebook()

    def rate(schedule, code, on, modifier=""):
        found = codebook.rate(schedule=schedule, code=code, modifier=modifier, on=on)
        return found and found.amount

    assert rate("OPPS", "77407", date(2026, 12, 31)) == Decimal("394.05")
    assert rate("OPPS", "77407", date(2027, 1, 1)) == Decimal("1394.05")
    assert rate("MPFS", "77387", date(2027, 6, 1), "26") == Decimal("35.07")
    assert rate("MPFS", "77386", date(2027, 1, 1)) is None
    assert rate("OPPS", "77407", date(2028, 1, 1)) is None


def test_a_loaded_code_list_decides_from_its_first_day_and_is_cited():
    load(ReferenceKind.ICD10CM, samples.ICD10CM, on=Q4)

    before, after = ruling("2026-09-30", diagnoses="C50.99"), ruling("2026-10-01", diagnoses="C50.99")
    dropped = ruling("2026-10-01", diagnoses="C71.1")

    assert "DX_INVALID" in format_findings(before)
    assert "DX_INVALID" not in format_findings(after)
    assert cited(dropped, "DX_INVALID") == ["ICD-10-CM codes, order file, release of 2026-10-01"]


def test_a_loaded_table_is_no_longer_stale_and_becomes_so_again():
    load(ReferenceKind.ICD10CM, samples.ICD10CM, on=Q4)

    def stale(day):
        return [table.name for table in current_codebook().tables_on(day) if table.is_stale(day)]

    assert "diagnoses" in stale(date(2028, 1, 1))
    assert "diagnoses" not in stale(date(2026, 10, 1))


def test_every_rate_covers_each_date_once():
    load(ReferenceKind.ADDENDUM_B, samples.ADDENDUM_B, on=Q3)

    found = [rate for rate in current_codebook().every_rate if (rate.schedule, rate.code) == ("OPPS", "77407")]

    assert [(rate.amount, rate.period.starts_on, rate.period.ends_before) for rate in found] == [
        (Decimal("394.05"), date(2026, 1, 1), Q3),
        (Decimal("1394.05"), Q3, date(2027, 1, 1)),
    ]
