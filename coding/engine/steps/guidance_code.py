"""Which code, if any, bills the review of the session's image guidance."""

from dataclasses import dataclass

from coding.engine.codebook import HCPCS, Codebook
from coding.engine.facts import SessionFacts
from coding.engine.steps.delivery_code import code_day, code_family
from coding.engine.terms import TermsInForce
from coding.engine.trace import Citation, Step, cited
from coding.engine.vocabulary import ClaimForm, Guidance, LineRole

BY_MODALITY = "modality"


@dataclass(frozen=True, slots=True)
class GuidanceCode:
    """The answer: a code or none, whether it stands for both sides at once, and why."""

    code: str
    is_both_sides: bool
    is_kept: bool
    step: Step


def is_technical_only(facts: SessionFacts, codebook: Codebook) -> bool:
    """Whether the modality has no professional side on the date of service: surface guidance through 2025."""
    if facts.guidance is None:
        return False
    modality = codebook.modality_code(facts.guidance, on=facts.date_of_service)
    return modality is not None and codebook.codes[modality.code].is_technical_only


def guidance_code(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, form: ClaimForm) -> GuidanceCode:
    """The guidance code of one claim form, and why. An unknown modality gives none; FACT_MISSING says so."""
    guidance = facts.guidance
    if form is ClaimForm.INSTITUTIONAL:
        return _none(
            form,
            "The hospital adds no guidance line: the technical part of guidance is inside delivery.",
            (("claim form", form),),
            codebook.house_rule("Guidance") + codebook.codes[codebook.guidance_code].citations,
        )
    if guidance is None or guidance is Guidance.NONE:
        sentence = (
            "The image guidance is not recorded." if guidance is None else "No image guidance: nothing to review."
        )
        shown = () if guidance is None else (("guidance", guidance.value),)
        return _none(form, sentence, shown, codebook.house_rule("Guidance"))
    day = code_day(facts, terms, codebook)
    modality = codebook.modality_code(guidance, on=day)
    is_g_coded = form is ClaimForm.GLOBAL and code_family(facts, terms, codebook) == HCPCS
    shown = (("guidance", guidance.value),)
    if modality is None:
        return _answer(
            codebook.guidance_code,
            f"{codebook.guidance_code} for every modality, in use {_valid(codebook, codebook.guidance_code)}.",
            facts=shown,
            form=form,
            citations=codebook.codes[codebook.guidance_code].citations,
        )
    if is_g_coded:
        return _answer(
            modality.code,
            f"Delivery is billed by G code here, so the owner bills guidance by modality, both sides on one line: "
            f"{modality.code}.",
            facts=(*shown, ("codes", "fee schedule G codes")),
            form=form,
            citations=(*modality.citations, *terms.citations("freestanding_code")),
            is_both_sides=True,
            is_kept=not _is_in_use(codebook, modality.code, facts),
            clause="freestanding_code",
            is_house_default=terms.is_silent("freestanding_code"),
        )
    if is_technical_only(facts, codebook):
        inside = (
            "" if form is ClaimForm.PROFESSIONAL else f" The technical part is inside delivery on the {form} claim."
        )
        return _none(
            form,
            f"Surface guidance of this date is technical only: the physician's side has no code.{inside}",
            shown,
            codebook.codes[modality.code].citations,
        )
    wanted = terms.text("igrt_pc_code") or codebook.guidance_code
    by_modality = wanted == BY_MODALITY
    code = modality.code if by_modality else wanted
    if by_modality and codebook.codes[code].is_technical_only:
        code = codebook.guidance_code
    how = f"by modality, here {code}" if by_modality else f"as {code} for every modality"
    return _answer(
        code,
        f"This payer takes the review of guidance {how} ({terms.said_by('igrt_pc_code')}).",
        facts=shown,
        form=form,
        citations=(*terms.citations("igrt_pc_code"), *(modality.citations if by_modality else ())),
        is_kept=not _is_in_use(codebook, code, facts),
        clause="igrt_pc_code",
        is_house_default=terms.is_silent("igrt_pc_code"),
    )


def _is_in_use(codebook: Codebook, code: str, facts: SessionFacts) -> bool:
    known = codebook.codes.get(code)
    return known is None or facts.date_of_service in known.valid


def _valid(codebook: Codebook, code: str) -> str:
    return codebook.codes[code].valid.words


def _none(
    form: ClaimForm, sentence: str, facts: tuple[tuple[str, str], ...], citations: tuple[Citation, ...]
) -> GuidanceCode:
    return _answer("", sentence, facts=facts, form=form, citations=citations)


def _answer(
    code: str,
    sentence: str,
    *,
    facts: tuple[tuple[str, str], ...],
    form: ClaimForm,
    citations: tuple[Citation, ...],
    is_both_sides: bool = False,
    is_kept: bool = False,
    clause: str = "",
    is_house_default: bool = False,
) -> GuidanceCode:
    step = Step(
        rule="guidance_code",
        title="Guidance code",
        facts=facts,
        sentence=sentence,
        result=code,
        citations=cited(citations),
        claim_form=form,
        role=LineRole.GUIDANCE,
        clause=clause,
        is_house_default=is_house_default,
    )
    return GuidanceCode(code, is_both_sides, is_kept, step)
