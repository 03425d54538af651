"""How many units a line carries."""

from dataclasses import replace

from coding.engine.claim import Line
from coding.engine.codebook import Codebook
from coding.engine.day import is_later_session, units_before
from coding.engine.facts import SessionFacts
from coding.engine.terms import TermsInForce
from coding.engine.trace import Step


def are_counted_up(terms: TermsInForce) -> bool:
    """Whether the payer wants one line a day, at the latest session, with the units of all."""
    return terms.text("bid") == "units"


def stands_at_a_later_session(facts: SessionFacts, terms: TermsInForce) -> bool:
    """Whether the day's one line stands at a later session than this one."""
    return facts.later_visits > 0 and are_counted_up(terms)


def units(line: Line, facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> tuple[Line, Step]:
    """The line with its units: one a session, or the day's counted up; and why."""
    is_counted_up = are_counted_up(terms) and (is_later_session(facts) or facts.later_visits > 0)
    counted = 1 + (units_before(facts, line.claim_form, line.code) if is_counted_up else 0)
    if stands_at_a_later_session(facts, terms):
        sentence = (
            "The day's one line stands at its latest session; this session adds one unit there and has none here."
        )
    elif is_counted_up:
        sentence = f"One line a day, counted up ({terms.said_by('bid')}): {counted} units."
    else:
        sentence = "One unit a session, whatever the dose or the number of areas."
    step = Step(
        rule="units",
        title="Units",
        facts=(("units of earlier sessions", str(counted - 1)),) if is_counted_up else (),
        sentence=sentence,
        result="" if stands_at_a_later_session(facts, terms) else str(counted),
        citations=terms.citations("bid") if is_counted_up else codebook.house_rule("Same day"),
        claim_form=line.claim_form,
        role=line.role,
        clause="bid" if is_counted_up else "",
        is_house_default=is_counted_up and terms.is_silent("bid"),
    )
    return replace(line, units=counted), step
