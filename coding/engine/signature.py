"""The decision signature: everything that the rules look at, reduced to the tests they make.

`reduced` gives the plainest facts that get the same ruling: a date of service becomes the first day on which every rule
is the same, an authorization without fault loses its limits, and a value stays as it is only where a finding that fired
shows it. Facts with one signature have one ruling: that is what memoizing, shared traces and a preview of a policy's
impact stand on.
"""

import hashlib
from bisect import bisect_right
from dataclasses import fields, replace
from datetime import date

from coding.engine.codebook import Codebook
from coding.engine.day import is_later_session, is_same_visit, previous_session
from coding.engine.diagnoses import Standing, is_icd9, is_malignancy, standing, written
from coding.engine.edits.auth_code_mismatch import auth_code_mismatch
from coding.engine.edits.auth_expired import auth_expired
from coding.engine.edits.auth_units_exceeded import auth_units_exceeded
from coding.engine.edits.dos_future import dos_future
from coding.engine.edits.dx_malignancy_missing import dx_malignancy_missing
from coding.engine.edits.dx_not_covered import dx_not_covered
from coding.engine.edits.fraction_sequence import fraction_sequence
from coding.engine.edits.over_prescription import over_prescription
from coding.engine.edits.taxonomy_renamed import taxonomy_renamed
from coding.engine.edits.timely_filing import timely_filing
from coding.engine.facts import AuthorizationFacts, EarlierSession, SessionFacts
from coding.engine.periods import ONE_DAY
from coding.engine.terms import PolicyTerms, TermsInForce
from coding.engine.trace import Citation

ICD9_MALIGNANCY = "141.2"
# Malignancies of different sites that no rule singles out; where more sites are listed, the last stands for the rest.
MALIGNANCIES = ("C02.1", "C34.12", "C15.3", "C20", "C71.1")
NO_MALIGNANCY = "Z85.3"
WELL_APART = 24 * 60


def decision_signature(facts: SessionFacts, terms: PolicyTerms | None, codebook: Codebook) -> str:
    """64 hexadecimal digits: equal for facts, terms and codebook that get an equal ruling, trace and findings included.

    Unequal ones may still have equal rulings: the promise is one way.
    """
    plain = reduced(facts, terms, codebook)
    parts = (codebook.digest, _terms_read(terms), repr(plain))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def reduced(facts: SessionFacts, terms: PolicyTerms | None, codebook: Codebook) -> SessionFacts:
    """The plainest facts with the same ruling. Reducing them again changes nothing."""
    in_force = TermsInForce(terms, codebook.house_defaults(facts.payer, facts.payer_kind))
    shows_dates = any(edit(facts, in_force, codebook) for edit in (dos_future, timely_filing, auth_expired))
    day = facts.date_of_service if shows_dates else _first_alike(facts.date_of_service, terms, codebook)
    fraction, prescribed, last_charged = _fractions(facts, in_force, codebook)
    return replace(
        facts,
        date_of_service=day,
        coded_on=facts.coded_on if shows_dates else day,
        diagnoses=_diagnoses(facts, in_force, codebook),
        earlier_sessions=_earlier_sessions(facts, in_force),
        minutes_of_one_visit=facts.minutes_of_one_visit if is_same_visit(facts) else 0,
        later_visits=min(facts.later_visits, 1),
        authorization=_authorization(facts, in_force, codebook),
        rendering_taxonomy=facts.rendering_taxonomy if taxonomy_renamed(facts, in_force, codebook) else "",
        fraction_number=fraction,
        prescribed_fractions=prescribed,
        last_charged_fraction=last_charged,
    )


def _first_alike(day: date, terms: PolicyTerms | None, codebook: Codebook) -> date:
    """The first day from which to the given one no rule changes."""
    breaks = set(codebook.breakpoints)
    if terms is not None:
        breaks |= {terms.keep_until + ONE_DAY} if terms.keep_until and terms.keep_until < date.max else set()
        breaks |= {terms.payer_ready} if terms.payer_ready else set()
    ordered = sorted(breaks)
    place = bisect_right(ordered, day)
    return ordered[place - 1] if place else ordered[0] - ONE_DAY


def _fractions(
    facts: SessionFacts, terms: TermsInForce, codebook: Codebook
) -> tuple[int | None, int | None, int | None]:
    """(number, prescribed, last charged) of the fraction, each kept only where a finding shows it."""
    is_beyond = over_prescription(facts, terms, codebook) is not None
    is_out_of_order = fraction_sequence(facts, terms, codebook) is not None
    return (
        facts.fraction_number if is_beyond or is_out_of_order else None,
        facts.prescribed_fractions if is_beyond else None,
        facts.last_charged_fraction if is_out_of_order else None,
    )


def _authorization(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> AuthorizationFacts | None:
    """The authorization without its number, and without the limits that the session keeps."""
    given = facts.authorization
    if not terms.holds("authorization_required"):
        return AuthorizationFacts()
    if given is None:
        return None
    is_used_up = auth_units_exceeded(facts, terms, codebook) is not None
    is_outside = auth_expired(facts, terms, codebook) is not None
    is_for_others = auth_code_mismatch(facts, terms, codebook) is not None
    return AuthorizationFacts(
        codes=given.codes if is_for_others else (),
        units=given.units if is_used_up else None,
        used=given.used if is_used_up else 0,
        starts_on=given.starts_on if is_outside else None,
        ends_on=given.ends_on if is_outside else None,
    )


def _earlier_sessions(facts: SessionFacts, terms: TermsInForce) -> tuple[EarlierSession, ...]:
    """The day's earlier sessions; of their times only whether the last one is too close."""
    previous = previous_session(facts)
    if previous is None:
        return ()
    min_gap = terms.number("min_gap")
    is_apart = previous.minutes_before is not None and (min_gap is None or previous.minutes_before >= min_gap)
    before = tuple(replace(earlier, minutes_before=None, is_same_physician=True) for earlier in facts.earlier_sessions)
    last = replace(previous, minutes_before=WELL_APART) if is_apart and is_later_session(facts) else previous
    return (*before[:-1], last)


def _diagnoses(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> tuple[str, ...]:
    """The diagnoses as they are where a finding may show one, else one of the same kind for each."""
    day, codes = facts.date_of_service, codebook.diagnoses
    entered = [written(code) for code in facts.diagnoses]
    is_shown = (
        any(standing(code, day, codes) is not Standing.BILLABLE for code in entered)
        or any(code[:3] in codes.complexity_categories for code in entered)
        or dx_not_covered(facts, terms, codebook)
        or dx_malignancy_missing(facts, terms, codebook)
    )
    if is_shown:
        return facts.diagnoses
    sites = list(dict.fromkeys(code[:3] for code in entered if is_malignancy(code)))
    stand_ins = {site: MALIGNANCIES[min(place, len(MALIGNANCIES) - 1)] for place, site in enumerate(sites)}
    return tuple(
        ICD9_MALIGNANCY if is_icd9(code, day, codes) else stand_ins.get(code[:3], NO_MALIGNANCY) for code in entered
    )


def _terms_read(terms: PolicyTerms | None) -> str:
    """Everything of the terms that a ruling shows or turns on; the day it was reviewed only where that is overdue."""
    if terms is None:
        return "no policy"
    values = {field.name: getattr(terms, field.name) for field in fields(terms)}
    clauses: dict[str, Citation] = values.pop("clauses")
    del values["effective_from"]
    if not terms.is_review_overdue:
        del values["reviewed_on"]
    return repr((sorted(values.items()), sorted(clauses.items(), key=lambda item: item[0])))
