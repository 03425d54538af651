"""Which code delivers the session."""

from dataclasses import dataclass
from datetime import date

from coding.engine.codebook import CPT, HCPCS, Codebook, DeliveryChoice
from coding.engine.facts import SessionFacts
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce
from coding.engine.trace import Citation, Step, cited
from coding.engine.vocabulary import ClaimForm, LineRole, Setting

FAMILY_NAMES = {CPT: "CPT codes", HCPCS: "fee schedule G codes"}


@dataclass(frozen=True, slots=True)
class DeliveryCode:
    """The code of the session's delivery. `is_kept`: deleted by its date, wanted by the payer all the same."""

    choice: DeliveryChoice
    family: str
    is_kept: bool

    @property
    def code(self) -> str:
        return self.choice.code


def code_family(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> str:
    """The family of codes that deliveries in this setting are billed with.

    The payer's choice for a freestanding owner, CPT for a hospital, G codes for lines under PN: those are paid from the
    fee schedule, which knew no CPT code for IMRT.
    """
    if facts.setting is Setting.FREESTANDING:
        return terms.text("freestanding_code") or CPT
    site = codebook.settings[facts.setting].site_modifier(facts.date_of_service) if facts.setting else None
    return site.delivery_family if site and terms.holds("po_pn") else CPT


def code_day(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> date:
    """The day whose code set counts: the date of service, or the last day of the deleted codes that the payer keeps."""
    keep_until = terms.day("keep_until")
    if keep_until is None or facts.date_of_service > keep_until:
        return facts.date_of_service
    return codebook.last_day_of_deleted_codes(on=facts.date_of_service) or facts.date_of_service


def delivery_code(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> DeliveryCode | None:
    """The code of the session's delivery, whoever bills it; None where the code set has none for these facts."""
    family = code_family(facts, terms, codebook)
    for day in dict.fromkeys((code_day(facts, terms, codebook), facts.date_of_service)):
        choice = codebook.delivery_choice(
            on=day,
            family=family,
            technique=facts.technique,
            isocenters=facts.isocenters,
            motion_management=facts.motion_management,
        )
        if choice is not None:
            return DeliveryCode(choice, family, is_kept=day != facts.date_of_service)
    return None


def delivery_step(
    chosen: DeliveryCode | None, form: ClaimForm, facts: SessionFacts, terms: TermsInForce, codebook: Codebook
) -> Step:
    """Why the claim has this delivery line, or none."""
    shown = tuple(
        (name, value)
        for name, value in (
            ("technique", facts.technique),
            ("isocenters", facts.isocenters),
            ("motion management", facts.motion_management),
        )
        if value is not None
    )
    if form is ClaimForm.PROFESSIONAL:
        return _step(
            form,
            facts=(("claim form", form),),
            sentence="The physician's claim has no delivery line: delivery is technical, and its owner bills it.",
            citations=codebook.house_rule("Claim forms"),
        )
    if chosen is None:
        return _step(
            form,
            facts=shown,
            sentence="No delivery code fits the facts that are recorded.",
            citations=codebook.house_rule("Choice of code"),
        )
    code = codebook.codes[chosen.code]
    sentence = f"{chosen.choice.why[0].upper()}{chosen.choice.why[1:]}: {code.code}, in use {code.valid.words}."
    if chosen.is_kept:
        keep_until = terms.day("keep_until")
        until = f" through {in_words(keep_until)}" if keep_until else ""
        sentence += f" CPT has deleted it; this payer keeps it{until} ({terms.said_by('keep_until')})."
    is_of_family = chosen.choice.family is not None
    is_payers = is_of_family and facts.setting is Setting.FREESTANDING
    if is_of_family:
        said_by = f" ({terms.said_by('freestanding_code')})" if is_payers else ""
        sentence += f" Delivery is billed with {FAMILY_NAMES[chosen.family]} here{said_by}."
    return _step(
        form,
        facts=(*shown, ("codes", FAMILY_NAMES[chosen.family])) if is_of_family else shown,
        sentence=sentence,
        result=chosen.code,
        citations=(
            *chosen.choice.citations,
            *(terms.citations("freestanding_code") if is_payers else ()),
            *(terms.citations("keep_until") if chosen.is_kept else ()),
        ),
        clause="keep_until" if chosen.is_kept else "freestanding_code" if is_payers else "",
        is_house_default=is_payers and not chosen.is_kept and terms.is_silent("freestanding_code"),
    )


def _step(
    form: ClaimForm,
    *,
    facts: tuple[tuple[str, str], ...],
    sentence: str,
    citations: tuple[Citation, ...],
    result: str = "",
    clause: str = "",
    is_house_default: bool = False,
) -> Step:
    return Step(
        rule="delivery_code",
        title="Delivery code",
        facts=facts,
        sentence=sentence,
        result=result,
        citations=cited(citations),
        claim_form=form,
        role=LineRole.DELIVERY,
        clause=clause,
        is_house_default=is_house_default,
    )
