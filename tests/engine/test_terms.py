from dataclasses import replace
from datetime import date

import pytest

from coding.engine.terms import TERMS, TERMS_OF_CASES, PolicyTerms, TermError, in_force, parse_term
from coding.engine.trace import Citation
from tests.engine.builders import make_terms, make_terms_in_force

FIRST = make_terms()
SECOND = replace(FIRST, effective_from=date(2026, 3, 1), bid="59")
CORRECTED = replace(SECOND, version="medicare from 2026-03-01, revision 2")


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("freestanding_code", "hcpcs", "hcpcs"),
        ("igrt_pc_code", "77014", "77014"),
        ("igrt_pc_modifier", "none", "none"),
        ("bid", "units", "units"),
        ("min_gap", "240", 240),
        ("technical_modifier", "TC", "TC"),
        ("keep_until", "2026-12-31", date(2026, 12, 31)),
        ("payer_ready", " 2026-03-01 ", date(2026, 3, 1)),
        ("po_pn", "yes", True),
        ("multi_isocenter_review", "no", False),
        ("timely_days", "90", 90),
    ],
)
def test_parse_term(key, text, value) -> None:
    assert parse_term(key, text) == value


@pytest.mark.parametrize(
    ("key", "text", "allowed"),
    [
        ("bid", "78", "76, 59, units"),
        ("min_gap", "6 h", "whole minutes"),
        ("po_pn", "maybe", "yes, no"),
        ("keep_until", "12/31/2026", "an ISO date"),
        ("keep_until", "2026-02-30", "an ISO date"),
        ("igrt_pc_code", "CBCT", "a procedure code"),
        ("bid_style", "76", "freestanding_code, igrt_pc_code"),
    ],
)
def test_parse_term_refuses_and_says_what_is_allowed(key, text, allowed) -> None:
    with pytest.raises(TermError, match=allowed):
        parse_term(key, text)


def test_terms_that_can_be_written_are_those_of_a_policy() -> None:
    fields = set(PolicyTerms.__dataclass_fields__)

    assert set(TERMS) <= fields
    assert len(TERMS_OF_CASES) == 11


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2014, 12, 31), None),
        (date(2015, 1, 1), FIRST),
        (date(2026, 2, 28), FIRST),
        (date(2026, 3, 1), CORRECTED),
        (date(2030, 1, 1), CORRECTED),
    ],
)
def test_in_force(day, version) -> None:
    assert in_force([FIRST, SECOND, CORRECTED], day) == version


def test_terms_in_force_payer_speaks_before_the_house(codebook) -> None:
    clause = Citation("Payment policy 12", section="page 3")
    silent = make_terms_in_force(codebook)
    spoken = make_terms_in_force(codebook, bid="59", clauses={"bid": clause})

    assert (silent.text("bid"), silent.is_silent("bid")) == ("76", True)
    assert (spoken.text("bid"), spoken.is_silent("bid"), spoken.citations("bid")) == ("59", False, (clause,))


def test_terms_in_force_no_is_an_answer(codebook) -> None:
    terms = make_terms_in_force(codebook, po_pn=False)

    assert not terms.holds("po_pn")
    assert not terms.is_silent("po_pn")


@pytest.mark.parametrize(
    ("payer", "key", "value"),
    [
        ("medicare", "freestanding_code", "hcpcs"),
        ("humana-ma", "freestanding_code", "hcpcs"),
        ("aetna", "freestanding_code", "cpt"),
        ("medicaid", "igrt_pc_code", "77387"),
        ("medicare", "authorization_required", False),
        ("unitedhealthcare", "authorization_converts", True),
        ("cigna", "multi_isocenter_review", True),
        ("aetna", "multi_isocenter_review", False),
        ("workers-compensation", "min_gap", 360),
        ("medicare", "timely_days", "calendar year"),
        ("aetna", "timely_days", None),
    ],
)
def test_house_defaults(codebook, payer, key, value) -> None:
    assert make_terms_in_force(codebook, payer).value(key) == value
