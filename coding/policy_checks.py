"""What a policy version must satisfy to be reviewed and published: its examples, and rules that hold of all."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product

from django.utils.translation import gettext as _

from coding.case_files import Case, CaseFileError, format_findings, format_lines, read_cases
from coding.engine.code_session import code_session
from coding.engine.codebook import Codebook
from coding.engine.periods import ONE_DAY, Period, in_words
from coding.engine.ruling import Charge
from coding.engine.terms import PolicyTerms, in_force
from coding.engine.vocabulary import Guidance, PayerKind, Setting, Technique
from payers.guidance import SECOND_SESSION, Enquiry
from payers.models import Payer, PolicyExample, PolicyVersion

NO_LINE = "none"
# What a component modifier splits: a technical-only code has nothing to split.
COMPONENTS = ("26", "TC")


@dataclass(frozen=True, slots=True)
class ExampleAnswer:
    """What a version answers to one of its examples. `problem` says why there is no answer, or is empty.

    `is_too_early` where that is so because the example lies before the version begins.
    """

    example: PolicyExample
    lines: str
    findings: str
    is_as_expected: bool
    problem: str = ""
    is_too_early: bool = False


def example_answers(version: PolicyVersion, codebook: Codebook) -> list[ExampleAnswer]:
    """Every example of a version put to the engine with the version's terms, in order; nothing is stored.

    An example that cannot be read, or whose date of service is before the version begins, is not as expected.
    """
    terms = version.as_terms()
    return [example_answer(example, version, terms, codebook) for example in version.examples.all()]


def problems_of(version: PolicyVersion, codebook: Codebook, answers: Iterable[ExampleAnswer]) -> list[str]:
    """What keeps a version from being reviewed or published, each a sentence: failing examples, then broken rules.

    The rules: one version is in force on each day, or none; no line carries a code outside the code's dates unless the
    payer keeps it; no technical-only code carries 26 or TC unless a term of the version says so.
    """
    return [
        *(_failure(answer) for answer in answers if not answer.is_as_expected),
        *_not_in_force(version),
        *_wrong_lines(version, codebook),
    ]


def days_of(version: PolicyVersion) -> Period:
    """The days for which a version holds once published: from its start until the next published version begins."""
    later = (
        version.policy.versions.published()
        .filter(effective_from__gt=version.effective_from)
        .order_by("effective_from")
        .values_list("effective_from", flat=True)
        .first()
    )
    return Period(version.effective_from, later)


def example_answer(
    example: PolicyExample, version: PolicyVersion, terms: PolicyTerms, codebook: Codebook
) -> ExampleAnswer:
    """What a version answers to one example, saved or not; `terms` are those of the version."""
    try:
        case = case_of(example.facts, version.policy.payer)
    except CaseFileError as refused:
        return ExampleAnswer(example, "", "", is_as_expected=False, problem=str(refused).removeprefix("line 2, "))
    day = case.facts.date_of_service
    if day < version.effective_from:
        problem = _("Its date of service, %(day)s, is before this version starts on %(start)s: move it.") % {
            "day": in_words(day),
            "start": in_words(version.effective_from),
        }
        return ExampleAnswer(example, "", "", is_as_expected=False, problem=problem, is_too_early=True)
    ruling = code_session(case.facts, terms, codebook)
    lines, findings = format_lines(ruling), format_findings(ruling)
    is_as_expected = _parts(lines, "+") == _parts(example.expected_lines, "+") and set(_parts(findings, ";")) == set(
        _parts(example.expected_findings, ";")
    )
    return ExampleAnswer(example, lines, findings, is_as_expected)


def case_of(facts: Mapping[str, str], payer: Payer) -> Case:
    """The session that an example tells, at the payer whose version it belongs to. Raises CaseFileError."""
    row = {**{key: value for key, value in facts.items() if key != "terms"}, "case": "example", "payer": payer.slug}
    (case,) = read_cases(_as_file(row), {payer.slug: PayerKind(payer.kind)})
    return case


def _as_file(row: dict[str, str]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(row))
    writer.writeheader()
    writer.writerow(row)
    return out.getvalue()


def _parts(text: str, separator: str) -> list[str]:
    """What is written in one line, part by part in a fixed order; `none` is nothing."""
    parts = (" ".join(part.split()) for part in text.split(separator))
    return sorted(part for part in parts if part and part != NO_LINE)


def _failure(answer: ExampleAnswer) -> str:
    if answer.problem:
        return _("The example “%(title)s” has no answer: %(problem)s") % {
            "title": answer.example.title,
            "problem": answer.problem,
        }
    return _("The example “%(title)s” is answered with %(got)s, not %(expected)s.") % {
        "title": answer.example.title,
        "got": _said(answer.lines, answer.findings),
        "expected": _said(answer.example.expected_lines, answer.example.expected_findings),
    }


def _said(lines: str, findings: str) -> str:
    said = _("no line") if lines in ("", NO_LINE) else lines
    return f"{said} ({findings})" if findings else said


def _not_in_force(version: PolicyVersion) -> Iterator[str]:
    """On its first day exactly one version is in force, and that is this one."""
    others = version.policy.versions.published().exclude(pk=version.pk).order_by("effective_from", "revision")
    ordered = sorted([*others, version], key=lambda other: (other.effective_from, other.revision))
    holding = in_force(ordered, version.effective_from)
    if holding is not None and holding.pk != version.pk:
        yield _("On its first day %(label)s would be in force, not this version.") % {"label": holding.label}


def _wrong_lines(version: PolicyVersion, codebook: Codebook) -> list[str]:
    """Each line that no claim should carry, found by asking the version about every kind of session and code date."""
    wrong: dict[tuple[str, str], str] = {}
    for day in _days_to_ask(version, codebook):
        enquiry = Enquiry(version.policy.payer, version, codebook, day)
        for setting, technique, guidance in product(Setting, Technique, (Guidance.CBCT, Guidance.ULTRASOUND)):
            for earlier in ((), (SECOND_SESSION,)):
                ruling = enquiry.answer(setting, technique=technique, guidance=guidance, earlier_sessions=earlier)
                for charge in ruling.charges:
                    for kind, sentence in _wrong(charge, version, day, codebook):
                        wrong.setdefault((kind, charge.code), sentence)
    return list(wrong.values())


def _days_to_ask(version: PolicyVersion, codebook: Codebook) -> list[date]:
    """The version's first day, and each later day of its own from which another set of codes holds."""
    days = days_of(version)
    changes = {
        day
        for code in codebook.codes.values()
        for day in (code.valid.starts_on, code.valid.ends_before)
        if day is not None and day > version.effective_from and day in days
    }
    ends = {days.ends_before - ONE_DAY} if days.ends_before else set()
    return sorted({version.effective_from, *changes, *ends})


def _wrong(charge: Charge, version: PolicyVersion, day: date, codebook: Codebook) -> Iterator[tuple[str, str]]:
    code, shown = codebook.codes.get(charge.code), in_words(day)
    is_kept = day.isoformat() <= version.terms.get("keep_until", "")
    if code is None:
        yield "unknown", _("%(code)s is not in the codebook.") % {"code": charge.code}
        return
    if day not in code.valid and not is_kept:
        yield (
            "dates",
            _("On %(day)s a line would carry %(code)s, which is valid %(period)s.")
            % {"day": shown, "code": charge.code, "period": code.valid.words},
        )
    components = [modifier for modifier in charge.modifiers if modifier in COMPONENTS]
    if code.is_technical_only and components and version.terms.get("technical_modifier") != "TC":
        yield (
            "components",
            _("On %(day)s a line would carry %(code)s with %(modifier)s: the code is technical only.")
            % {"day": shown, "code": charge.code, "modifier": components[0]},
        )
