"""Which modifiers a line carries, in which order, and why the others are absent."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from coding.engine.claim import Keyed, Line
from coding.engine.codebook import Codebook
from coding.engine.day import is_later_session, previous_session, session_of_day
from coding.engine.facts import SessionFacts
from coding.engine.terms import TermsInForce
from coding.engine.trace import Citation, Step, cited
from coding.engine.vocabulary import BeneficiaryNotice, ClaimForm, Completion, LineRole, PayerKind

SITE = ("PO", "PN")
REPEAT = ("76", "77")
DISTINCT = ("59", "XE", "XS", "XP", "XU")
LIABILITY = ("GA", "GZ")
PEOPLE = ("GC", "Q5", "Q6")
# Refused by an edit of their own, with their reasons.
NEVER_ON_THESE_CODES = ("22", "53", "73", "74")
LAST_RANK = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of its modifiers: the one that applies, or none, and why; and why each other is absent."""

    rule: str
    title: str
    modifier: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    citations: tuple[Citation, ...]
    clause: str = ""
    is_house_default: bool = False
    absent: tuple[tuple[str, str], ...] = ()


def modifiers(
    line: Line, keyed: Keyed, is_both_sides: bool, facts: SessionFacts, terms: TermsInForce, codebook: Codebook
) -> tuple[Line, tuple[Step, ...]]:
    """The line with its modifiers in order, keyed ones included unless a rule refuses them; and a step for each rule.

    More than four, or PO beside PN, stay on the line here: an edit takes the line away.
    """
    verdicts = [
        _professional(line, is_both_sides, terms, codebook),
        _technical(line, terms, codebook),
        _reduced(line, keyed, facts, terms, codebook),
        _site(line, facts, terms, codebook),
        _repeat(facts, terms, codebook),
        _liability(facts, codebook),
        _people(line, facts, codebook),
    ]
    ruled = [modifier for verdict in verdicts for modifier in verdict.modifier.split()]
    taken, left_out = _keyed(line, keyed, ruled, facts, terms, codebook)
    ordered = in_order((*ruled, *taken), codebook)
    steps = [_as_step(line, verdict) for verdict in verdicts if verdict.sentence]
    if taken or left_out:
        steps.append(_keyed_step(line, keyed, taken, left_out, codebook))
    if len(ordered) > 1:
        steps.append(_order_step(line, ordered, codebook))
    return replace(line, modifiers=ordered, left_out=left_out), tuple(steps)


def _each(codes: Iterable[str], why: str) -> tuple[tuple[str, str], ...]:
    """The modifiers that are absent for one reason."""
    return tuple((code, why) for code in codes)


def in_order(codes: tuple[str, ...], codebook: Codebook) -> tuple[str, ...]:
    """Each modifier once: pricing, then payment, then information; those that the codebook does not know come last."""

    def rank(code: str) -> int:
        known = codebook.modifiers.get(code)
        return known.rank if known else LAST_RANK

    return tuple(sorted(dict.fromkeys(codes), key=rank))


def _professional(line: Line, is_both_sides: bool, terms: TermsInForce, codebook: Codebook) -> Verdict:
    if line.role is LineRole.DELIVERY:
        why = f"{line.code} is technical only, there is no professional part to mark"
        return Verdict(
            "modifier_26",
            "Modifier 26",
            "",
            f"26 is absent: {why}.",
            (("code", line.code),),
            codebook.codes[line.code].citations,
            absent=_each(["26"], why),
        )
    if is_both_sides:
        why = "one owner bills both sides of guidance on this line"
        return Verdict(
            "modifier_26",
            "Modifier 26",
            "",
            f"26 is absent: {why}.",
            (("code", line.code),),
            codebook.house_rule("Guidance"),
            absent=_each(["26"], why),
        )
    wants = terms.text("igrt_pc_modifier") == "26"
    said_by = terms.said_by("igrt_pc_modifier")
    why = f"this payer takes {line.code} without it ({said_by})"
    return Verdict(
        "modifier_26",
        "Modifier 26",
        "26" if wants else "",
        f"26: the line is the physician's part of guidance ({said_by})." if wants else f"26 is absent: {why}.",
        (("code", line.code),),
        terms.citations("igrt_pc_modifier"),
        "igrt_pc_modifier",
        terms.is_silent("igrt_pc_modifier"),
        () if wants else _each(["26"], why),
    )


def _technical(line: Line, terms: TermsInForce, codebook: Codebook) -> Verdict:
    wants = terms.text("technical_modifier") == "TC"
    applies = wants and line.role is LineRole.DELIVERY and line.claim_form is ClaimForm.GLOBAL
    why = ""
    if line.role is LineRole.GUIDANCE:
        why = "the line bills no technical part by itself"
    elif not wants:
        why = f"{line.code} is technical only, there is nothing to split off"
    elif not applies:
        why = "an institutional line carries none, whatever the payer asks of others"
    sentence = (
        f"TC is absent: {why}."
        if why
        else f"TC on this payer's word ({terms.said_by('technical_modifier')}), although {line.code} has no parts."
    )
    return Verdict(
        "modifier_tc",
        "Modifier TC",
        "TC" if applies else "",
        sentence,
        (("code", line.code),),
        codebook.modifiers["TC"].citations if line.role is LineRole.GUIDANCE else terms.citations("technical_modifier"),
        "technical_modifier" if wants and line.role is LineRole.DELIVERY else "",
        line.role is LineRole.DELIVERY and terms.is_silent("technical_modifier"),
        () if applies else _each(["TC"], why),
    )


def _reduced(line: Line, keyed: Keyed, facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Verdict:
    shown = (("completion", facts.completion.value),)
    if line.role is LineRole.GUIDANCE:
        return Verdict("modifier_52", "Modifier 52", "", "", shown, codebook.house_rule("Partial delivery"))
    if facts.completion is not Completion.PARTIAL:
        if "52" in keyed.modifiers:
            return Verdict("modifier_52", "Modifier 52", "", "", shown, codebook.house_rule("Partial delivery"))
        why = "the session was not cut short"
        return Verdict(
            "modifier_52",
            "Modifier 52",
            "",
            f"52 is absent: {why}.",
            shown,
            codebook.house_rule("Partial delivery"),
            absent=_each(["52"], why),
        )
    wants = terms.text("partial_modifier") == "52"
    said_by = terms.said_by("partial_modifier")
    why = f"this payer takes the full code for a session cut short ({said_by})"
    return Verdict(
        "modifier_52",
        "Modifier 52",
        "52" if wants else "",
        f"52: the beam was partly delivered ({said_by})." if wants else f"52 is absent: {why}.",
        shown,
        terms.citations("partial_modifier"),
        "partial_modifier",
        terms.is_silent("partial_modifier"),
        () if wants else _each(["52"], why),
    )


def _site(line: Line, facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Verdict:
    rules = codebook.settings[facts.setting] if facts.setting else None
    modifier = site_modifier(line, facts, terms, codebook)
    if modifier:
        why = f"{modifier} is the one for this department"
        citations = codebook.modifiers[modifier].citations + terms.citations("po_pn")
    elif line.claim_form is not ClaimForm.INSTITUTIONAL:
        why = "they stand on institutional lines only"
        citations = codebook.modifiers["PO"].citations
    elif rules is None or not rules.site_modifiers:
        why = "the department is not off campus"
        citations = codebook.modifiers["PO"].citations
    elif rules.site_modifier(facts.date_of_service) is None:
        first = rules.site_modifiers[0]
        why = f"{first.code} is required {first.period.words}, and not before"
        citations = first.citations
    else:
        why = f"they are Medicare's, and this payer does not ask ({terms.said_by('po_pn')})"
        citations = terms.citations("po_pn")
    sentence = (
        f"{modifier}: {codebook.modifiers[modifier].label} ({terms.said_by('po_pn')})."
        if modifier
        else f"PO and PN are absent: {why}."
    )
    is_payers = bool(rules and rules.site_modifiers and line.claim_form is ClaimForm.INSTITUTIONAL)
    return Verdict(
        "modifier_site",
        "Modifiers PO and PN",
        modifier,
        sentence,
        (("setting", rules.label),) if rules else (),
        citations,
        "po_pn" if is_payers else "",
        is_payers and terms.is_silent("po_pn"),
        _each((code for code in SITE if code != modifier), why),
    )


def site_modifier(line: Line, facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> str:
    """PO or PN where the department, the date and the payer call for it, else empty."""
    if line.claim_form is not ClaimForm.INSTITUTIONAL or not facts.setting or not terms.holds("po_pn"):
        return ""
    site = codebook.settings[facts.setting].site_modifier(facts.date_of_service)
    return site.code if site else ""


def _repeat(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Verdict:
    marks = ("59", *REPEAT)
    if not is_later_session(facts):
        why = "it is the first session of the day, nothing is repeated"
        return Verdict(
            "modifier_repeat",
            "Modifiers 59, 76 and 77",
            "",
            f"59, 76 and 77 are absent: {why}.",
            (("session of the day", "1"),),
            codebook.house_rule("Same day"),
            absent=_each(marks, why),
        )
    way = terms.text("bid")
    said_by = terms.said_by("bid")
    previous = previous_session(facts)
    is_another = previous is not None and previous.is_same_physician is False
    shown = [("session of the day", str(session_of_day(facts)))]
    citations = terms.citations("bid")
    if way == "units":
        modifier = ""
        why = f"this payer wants one line a day with the units counted up ({said_by})"
        sentence = f"59, 76 and 77 are absent: {why}."
        absent = _each(marks, why)
    elif way == "59":
        modifier = "59"
        sentence = f"59: this payer wants a later session marked as distinct, not as 76 or 77 ({said_by})."
        absent = _each(REPEAT, f"this payer wants a later session marked as distinct ({said_by})")
    else:
        modifier = "77" if is_another else "76"
        who = "another responsible physician" if is_another else "the same responsible physician"
        other = "76" if is_another else "77"
        sentence = f"{modifier}: a later session of the day under {who}, on a line of its own ({said_by})."
        sentence += f" {other} is for the other case; 59 is absent, the payer does not ask for it."
        absent = ((other, f"the session is under {who}"), ("59", f"this payer does not ask for it ({said_by})"))
        shown.append(("physician", who))
        citations += codebook.modifiers[modifier].citations
    return Verdict(
        "modifier_repeat",
        "Modifiers 59, 76 and 77",
        modifier,
        sentence,
        tuple(shown),
        citations,
        "bid",
        terms.is_silent("bid"),
        absent,
    )


def liability_modifier(facts: SessionFacts) -> str:
    """GA or GZ where Medicare itself pays and a denial is expected, else empty."""
    if facts.payer_kind is not PayerKind.MEDICARE or facts.beneficiary_notice is None:
        return ""
    return "GA" if facts.beneficiary_notice is BeneficiaryNotice.SIGNED else "GZ"


def _liability(facts: SessionFacts, codebook: Codebook) -> Verdict:
    modifier = liability_modifier(facts)
    absent: tuple[tuple[str, str], ...] = ()
    if facts.beneficiary_notice is None:
        sentence = ""
    elif modifier:
        sentence = f"{modifier}: {codebook.modifiers[modifier].label}."
    else:
        why = "the notice is Medicare's own, and Medicare does not pay this line"
        sentence = f"GA and GZ are absent: {why}."
        absent = _each(LIABILITY, why)
    shown = (("notice of liability", facts.beneficiary_notice.value),) if facts.beneficiary_notice else ()
    return Verdict(
        "modifier_liability",
        "Modifiers GA and GZ",
        modifier,
        sentence,
        shown,
        codebook.modifiers["GA"].citations,
        absent=absent,
    )


def _people(line: Line, facts: SessionFacts, codebook: Codebook) -> Verdict:
    wanted = [code for code, applies in (("GC", facts.has_resident), ("Q6", facts.is_locum)) if applies]
    shown = tuple((codebook.modifiers[code].label, "yes") for code in wanted)
    citations = codebook.house_rule("People") + codebook.modifiers["GC"].citations
    if not wanted:
        return Verdict("modifier_people", "Modifiers GC and Q6", "", "", shown, citations)
    names = " and ".join(wanted)
    if line.role is LineRole.DELIVERY:
        sentence = f"{names} on the physician's lines only: delivery is technical."
        return Verdict("modifier_people", "Modifiers GC and Q6", "", sentence, shown, citations)
    sentence = "; ".join(f"{code}: {codebook.modifiers[code].label}" for code in wanted) + "."
    return Verdict("modifier_people", "Modifiers GC and Q6", " ".join(wanted), sentence, shown, citations)


def _keyed(
    line: Line, keyed: Keyed, ruled: list[str], facts: SessionFacts, terms: TermsInForce, codebook: Codebook
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The keyed modifiers that go on the line beside those the rules put there, and those left out with the reason."""
    if keyed.role is not line.role:
        return (), ()
    taken, left_out = [], []
    for code in keyed.modifiers:
        reason = _reason_to_leave_out(code, line, ruled, facts, terms, codebook)
        if reason:
            left_out.append((code, reason))
        elif code not in ruled:
            taken.append(code)
    return tuple(taken), tuple(left_out)


def _reason_to_leave_out(
    code: str, line: Line, ruled: list[str], facts: SessionFacts, terms: TermsInForce, codebook: Codebook
) -> str:
    if code in ruled:
        return ""
    known = codebook.modifiers.get(code)
    if code in NEVER_ON_THESE_CODES or code in ("26", "TC"):
        return "it does not apply to this line"
    if code in SITE and not any(site in ruled for site in SITE):
        return "the department, the date or the payer does not call for it"
    if known and known.is_medicare_only and code not in SITE and facts.payer_kind is not PayerKind.MEDICARE:
        return "it is Medicare's, and Medicare does not pay this line"
    if code in LIABILITY and any(modifier in ruled for modifier in LIABILITY):
        return "the recorded notice of liability says otherwise"
    if code in REPEAT and not is_later_session(facts):
        return "it is the first session of the day"
    if code in REPEAT and (terms.text("bid") != "76" or any(modifier in ruled for modifier in REPEAT)):
        return "the recorded physician and the payer's way with later sessions say otherwise"
    if code in PEOPLE and line.role is LineRole.DELIVERY:
        return "it belongs on the physician's lines"
    return ""


def _keyed_step(
    line: Line,
    keyed: Keyed,
    taken: tuple[str, ...],
    left_out: tuple[tuple[str, str], ...],
    codebook: Codebook,
) -> Step:
    parts = [f"{code} stands as keyed" for code in taken] + [f"{code} is left out: {why}" for code, why in left_out]
    return Step(
        rule="modifiers_keyed",
        title="Modifiers keyed by hand",
        facts=(("keyed", " ".join(keyed.modifiers)),),
        sentence="; ".join(parts) + ".",
        result=" ".join(taken),
        citations=codebook.house_rule("Keyed by hand"),
        claim_form=line.claim_form,
        role=line.role,
    )


def _order_step(line: Line, ordered: tuple[str, ...], codebook: Codebook) -> Step:
    known = [codebook.modifiers[code] for code in ordered if code in codebook.modifiers]
    return Step(
        rule="modifier_order",
        title="Order of modifiers",
        facts=(("modifiers", " ".join(ordered)),),
        sentence="Pricing comes first, then what bears on payment, then information.",
        result=" ".join(ordered),
        citations=codebook.house_rule("Order on a line") + (known[0].citations if known else ()),
        claim_form=line.claim_form,
        role=line.role,
    )


def _as_step(line: Line, verdict: Verdict) -> Step:
    return Step(
        rule=verdict.rule,
        title=verdict.title,
        facts=verdict.facts,
        sentence=verdict.sentence,
        result=verdict.modifier,
        citations=cited(verdict.citations),
        claim_form=line.claim_form,
        role=line.role,
        clause=verdict.clause,
        is_house_default=verdict.is_house_default,
        absent=verdict.absent,
    )
