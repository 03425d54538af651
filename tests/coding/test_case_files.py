"""Reading cases to the letter: what is known, what a blank means, and what refuses the whole file."""

from datetime import date

import pytest

from coding.case_files import COLUMNS, CaseFileError, read_cases
from coding.engine.facts import AuthorizationFacts, EarlierSession
from coding.engine.vocabulary import BeneficiaryNotice, ClaimForm, Completion, Guidance, Isocenters
from tests.engine.builders import KINDS, make_terms

ROW = {
    "case": "A1",
    "date_of_service": "2025-12-03",
    "setting": "hospital_on_campus",
    "payer": "medicare",
    "claim": "institutional",
    "technique": "imrt_complex",
}


def file_of(*rows: dict[str, str]) -> str:
    columns = list(rows[0])
    lines = [",".join(columns), *(",".join(row[column] for column in columns) for row in rows)]
    return "\n".join(lines) + "\n"


def case_of(**changes):
    (case,) = read_cases(file_of(ROW | changes), KINDS)
    return case


def test_read_cases_blank_optional_column_is_in_order() -> None:
    blank = dict.fromkeys(set(COLUMNS) - set(ROW), "")

    assert case_of(**blank) == case_of()


def test_read_cases_defaults() -> None:
    facts = case_of().facts

    assert (facts.coded_on, facts.claim_forms) == (date(2025, 12, 6), (ClaimForm.INSTITUTIONAL,))
    assert (facts.isocenters, facts.guidance, facts.completion) == (
        Isocenters.SINGLE,
        Guidance.NONE,
        Completion.COMPLETE,
    )
    assert (facts.diagnoses, facts.authorization, facts.earlier_sessions) == ((), AuthorizationFacts(), ())


@pytest.mark.parametrize(
    ("changes", "fact", "value"),
    [
        ({"coded_on": "2026-11-23"}, "coded_on", date(2026, 11, 23)),
        ({"diagnoses": "Z51.0; C02.1"}, "diagnoses", ("Z51.0", "C02.1")),
        ({"requested_code": "77014-26"}, "requested_code", "77014-26"),
        ({"requested_modifiers": "PO PN"}, "requested_modifiers", ("PO", "PN")),
        ({"other_codes_same_day": "77387 77373"}, "other_codes_same_day", ("77387", "77373")),
        ({"authorization": "missing"}, "authorization", None),
        ({"authorization": "units=28 used=27"}, "authorization", AuthorizationFacts(units=28, used=27)),
        ({"authorization": "ends=2025-12-12"}, "authorization", AuthorizationFacts(ends_on=date(2025, 12, 12))),
        ({"authorization": "code=77386/77385"}, "authorization", AuthorizationFacts(codes=("77386", "77385"))),
        ({"missing": "bid_order supervision"}, "is_twice_daily_ordered", False),
        ({"missing": "bid_order supervision"}, "is_supervision_documented", False),
        ({"abn": "signed"}, "beneficiary_notice", BeneficiaryNotice.SIGNED),
        ({"locum": "yes"}, "is_locum", True),
        ({"duplicate": "no"}, "is_duplicate", False),
        ({"session_of_day": "2"}, "earlier_sessions", (EarlierSession(None),)),
        (
            {"session_of_day": "3", "minutes_since_previous": "365", "same_physician": "no"},
            "earlier_sessions",
            (EarlierSession(None), EarlierSession(365, is_same_physician=False)),
        ),
        ({"minutes_since_previous": "365"}, "earlier_sessions", ()),
    ],
)
def test_read_cases_fact(changes, fact, value) -> None:
    assert getattr(case_of(**changes).facts, fact) == value


def test_read_cases_terms_lie_over_the_policy_in_force() -> None:
    case = case_of(terms="bid=59;min_gap=240")

    terms = case.terms_over(make_terms(po_pn=False))

    assert (terms.bid, terms.min_gap, terms.po_pn) == ("59", 240, False)
    assert "The case file's own terms" in terms.clauses["bid"].title


def test_read_cases_none_alone_means_no_policy() -> None:
    assert case_of(terms="none").terms_over(make_terms()) is None
    assert case_of().terms_over(None) is None


@pytest.mark.parametrize("text", ["\ufeff" + file_of(ROW), file_of(ROW).replace("\n", "\r\n"), file_of(ROW) + "\n,,\n"])
def test_read_cases_forgives_how_spreadsheets_write(text) -> None:
    (case,) = read_cases(text, KINDS)

    assert case == case_of()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"technique": "arc"},
            r"^line 2, column technique: 'arc'; allowed: imrt_complex, imrt_simple, compensator, 3d$",
        ),
        ({"technique": ""}, r"^line 2, column technique: ''; allowed: imrt_complex"),
        ({"case": " "}, r"^line 2, column case: ''; allowed: any text"),
        ({"payer": "kaiser"}, r"^line 2, column payer: 'kaiser'; allowed: medicare, aetna"),
        ({"setting": "on campus"}, r"^line 2, column setting: 'on campus'; allowed: hospital_on_campus"),
        ({"date_of_service": "12/03/2025"}, r"^line 2, column date_of_service: '12/03/2025'; allowed: an ISO date"),
        ({"date_of_service": "20251203"}, r"column date_of_service: '20251203'; allowed: an ISO date"),
        ({"coded_on": "2025-13-01"}, r"column coded_on: '2025-13-01'; allowed: an ISO date"),
        ({"session_of_day": "4"}, r"column session_of_day: '4'; allowed: 1, 2, 3$"),
        ({"minutes_since_previous": "-5"}, r"column minutes_since_previous: '-5'; allowed: a whole number"),
        ({"fraction_number": "5.0"}, r"column fraction_number: '5\.0'; allowed: a whole number"),
        ({"locum": "true"}, r"column locum: 'true'; allowed: yes, no$"),
        ({"missing": "image"}, r"column missing: 'image'; allowed: prescription_signature, plan_approval"),
        ({"requested_code": "773866"}, r"column requested_code: '773866'; allowed: a code"),
        ({"requested_modifiers": "POPN"}, r"column requested_modifiers: 'POPN'; allowed: modifiers of two"),
        ({"other_codes_same_day": "7738"}, r"column other_codes_same_day: '7738'; allowed: codes"),
        ({"terms": "bid=78"}, r"column terms: 'bid=78'; allowed: for bid, 76, 59, units$"),
        ({"terms": "partial_modifier=52"}, r"column terms: 'partial_modifier=52'; allowed: none alone, or key=value"),
        ({"terms": "none;bid=76"}, r"column terms: 'none;bid=76'; allowed: none alone"),
        ({"terms": "bid=76;bid=59"}, r"column terms: .*allowed: each key once"),
        ({"authorization": "none"}, r"column authorization: 'none'; allowed: missing, or words of"),
        ({"authorization": "units=many"}, r"column authorization: 'units=many'; allowed: for units, a whole number"),
        ({"abn": "yes"}, r"column abn: 'yes'; allowed: signed, none$"),
        ({"charge": "100"}, r"^line 1, column charge: 'charge'; allowed: case, date_of_service"),
    ],
)
def test_read_cases_refuses(changes, message) -> None:
    text = file_of(ROW | changes)

    with pytest.raises(CaseFileError, match=message):
        read_cases(text, KINDS)


def test_read_cases_line_is_that_of_the_file_even_after_a_cell_of_two_lines() -> None:
    rows = ["title," + ",".join(ROW), '"two\nlines",' + ",".join(ROW.values()), "x,A2,2025-12-03,here,aetna,global,3d"]
    text = "\n".join(rows)

    with pytest.raises(CaseFileError, match=r"^line 4, column setting: 'here'"):
        read_cases(text, KINDS)


def test_read_cases_case_named_twice() -> None:
    with pytest.raises(CaseFileError, match=r"^line 3, column case: 'A1'; allowed: a name that is unique"):
        read_cases(file_of(ROW, ROW), KINDS)


@pytest.mark.parametrize("column", ROW)
def test_read_cases_required_column_missing(column) -> None:
    row = {name: value for name, value in ROW.items() if name != column}

    with pytest.raises(CaseFileError, match=rf"^line 1, column {column}: ''; allowed: the required columns"):
        read_cases(file_of(row), KINDS)


@pytest.mark.parametrize(
    "text",
    ["", "case\x00,payer\n", file_of(ROW) + 'A2,"unclosed\n', file_of(ROW).replace("case,", "case,case,", 1)],
)
def test_read_cases_unreadable_file(text) -> None:
    with pytest.raises(CaseFileError, match=r"^line \d"):
        read_cases(text, KINDS)


def test_read_cases_surplus_cell() -> None:
    text = file_of(ROW).removesuffix("\n") + ",what\n"

    with pytest.raises(CaseFileError, match=r"^line 2, column 7: 'what'; allowed: 6 columns"):
        read_cases(text, KINDS)
