"""The pages of codes and of their change: the codebook's facts, and each payer's position as the engine has it."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.codebook import FILES_OF_TABLE, Code, Codebook
from coding.engine.periods import ONE_DAY, Period
from coding.engine.ruling import Ruling
from coding.engine.trace import Citation
from coding.engine.vocabulary import ClaimForm, LineRole, Setting, Severity
from coding.shaping import is_review_overdue
from payers.case_forms import CaseForm
from payers.guidance import TONGUE, Enquiry, PayerBook
from payers.models import ClauseTopic
from payers.presenters.guidance import (
    GUIDANCE_LABELS,
    KINDS_OF_SESSION,
    SETTING_LABELS,
    ModifierRow,
    ShownLine,
    modifier_rows,
    shown_line,
    shown_row,
)

# The codes that have a page of their own open the list; guidance codes follow.
ROLE_LABELS = {LineRole.DELIVERY: "Delivery", LineRole.GUIDANCE: gettext_lazy("Image guidance")}
# Under these headings a payer says which code it takes and what becomes of an authorization for an old one.
ON_CODES = (ClauseTopic.CODES, ClauseTopic.AUTHORIZATION)
SCHEDULES = (
    ("OPPS", "", gettext_lazy("Hospital outpatient")),
    ("MPFS", "", gettext_lazy("Physician fee schedule")),
    ("MPFS", "26", gettext_lazy("Physician fee schedule, 26")),
)


# What a reader should picture under a code, in our own words; rules are never taken from here.
CODE_CONTEXT = {
    "77385": gettext_lazy(
        "Simple IMRT: by the usual rule breast, prostate, and every site treated with a physical compensator."
    ),
    "77386": gettext_lazy(
        "Complex IMRT: every site that the usual rule does not call simple. Tumors of the head and neck, the oral "
        "cavity among them, are complex unless a compensator was used."
    ),
    "77402": gettext_lazy(
        "Level 1 is for flat photon fields planned in two dimensions and for electron fields alone. The portal "
        "codes IMRT and 3D treatment, which are level 2 or 3."
    ),
    "77407": gettext_lazy(
        "Level 2 is IMRT or 3D treatment with photons to one isocenter, without active motion management."
    ),
    "77412": gettext_lazy(
        "Level 3 is treatment to several isocenters, or to one with active motion management; also for mixed "
        "photon and electron fields and for total skin electrons. Image guidance alone does not make level 3."
    ),
    "G6015": gettext_lazy(
        "The fee schedule's code for IMRT, simple and complex alike, in freestanding centers and nonexcepted "
        "off-campus departments. It did not include image guidance."
    ),
    "G6016": gettext_lazy("The fee schedule's code for IMRT with a physical compensator."),
    "77387": gettext_lazy(
        "Through 2025 some commercial payers took it for the physician's review of guidance; from 2026 it is that "
        "review for everybody, whatever the modality."
    ),
    "77014": gettext_lazy("Cone-beam CT before treatment, reviewed by the physician."),
    "G6001": gettext_lazy("Ultrasound localization before treatment."),
    "G6002": gettext_lazy("Stereoscopic x-ray localization before treatment."),
    "G6017": gettext_lazy("Tracking of motion or surface during treatment: technical work only."),
}


@dataclass(frozen=True, slots=True)
class Position:
    """Where one payer stands on a code: lines that carry it by setting, or what it takes instead."""

    payer: Any
    policy: str
    takes: tuple[tuple[str, ShownLine], ...]
    instead: tuple[tuple[str, tuple[ShownLine, ...]], ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A payer, a setting and a kind of session that get a code on a date."""

    enquiry: Enquiry
    setting: Setting
    changes: dict[str, object]


@dataclass(frozen=True, slots=True)
class PairRow:
    """NCCI pairs of a code in one file with one indicator."""

    file: str
    position: str
    indicator: int
    codes: list[str]


def codes_with_pages(codebook: Codebook) -> list[Code]:
    """The codes that the portal charges: those of delivery first."""
    charged = [code for code in codebook.codes.values() if code.role is not None]
    return sorted(charged, key=lambda code: (code.role is not LineRole.DELIVERY, code.code))


def seam_of(codebook: Codebook, today: date) -> date:
    """The first date of service of the codes of today, after those that were deleted last."""
    last = codebook.last_day_of_deleted_codes(on=today)
    return last + ONE_DAY if last else today


def code_list_page(codebook: Codebook, *, today: date) -> dict[str, Any]:
    """Every code with a page, each with its dates and whether it is valid today."""
    return {
        "today": today,
        "rows": [
            {"code": code, "role": ROLE_LABELS[code.role], "dates": code.valid.words, "is_valid": today in code.valid}
            for code in codes_with_pages(codebook)
        ],
    }


def usual_day(code: Code, today: date) -> date:
    """The day that a code's page speaks of unless asked: today, or the code's last day."""
    if today in code.valid:
        return today
    if code.valid.last_day and code.valid.last_day < today:
        return code.valid.last_day
    return code.valid.starts_on or today


def code_page(
    code: Code, books: list[PayerBook], example: Example | None, *, on: date, codebook: Codebook, today: date
) -> dict[str, Any]:
    """Everything that the page of one code shows for a date of service; `example` is a session that gets the code."""
    choices = [choice for choice in codebook.delivery_choices if choice.code == code.code]
    modalities = [modality for modality in codebook.modality_codes if modality.code == code.code]
    positions = [_position(book, code, on, codebook) for book in books]
    return {
        "code": code,
        "role": ROLE_LABELS[code.role],
        "dates": code.valid.words,
        "is_valid_today": today in code.valid,
        "last_day": code.valid.last_day,
        "on": on,
        "is_valid_then": on in code.valid,
        "chosen_for": [choice.why for choice in choices],
        "modalities": [GUIDANCE_LABELS[modality.guidance] for modality in modalities],
        "is_for_delivery": code.role is LineRole.DELIVERY,
        "positions": positions,
        "modifiers": _modifiers(code, example),
        "context": CODE_CONTEXT.get(code.code, ""),
        "taxonomies": list(codebook.taxonomies.values()),
        "groups": _groups(codebook, on),
        "rates": _rates(code, codebook),
        "schedules": [label for *_, label in SCHEDULES],
        "related": _related(code, codebook),
        "limits": [
            (form, codebook.unit_limit(claim_form, code.code, on=on))
            for form, claim_form in (("Hospital", ClaimForm.INSTITUTIONAL), ("Practitioner", ClaimForm.PROFESSIONAL))
        ],
        "pairs": _pairs(code, codebook, on),
        "pair_citations": _sources_of_pairs(codebook, on),
        "sources": _sources(code, choices, modalities, codebook, on),
        "tables": sorted(codebook.tables_on(on), key=lambda table: table.title),
    }


def _kinds_of(code: Code) -> list[dict[str, object]]:
    """Example sessions among which one gets the code, if any does."""
    if code.role is LineRole.DELIVERY:
        return [changes for _, changes in KINDS_OF_SESSION]
    return [{"guidance": guidance} for guidance in GUIDANCE_LABELS]


def _position(book: PayerBook, code: Code, on: date, codebook: Codebook) -> Position:
    enquiry = Enquiry.of(book, on=on, codebook=codebook)
    takes: list[tuple[str, ShownLine]] = []
    instead: list[tuple[str, tuple[ShownLine, ...]]] = []
    for setting, label in SETTING_LABELS.items():
        rulings = [enquiry.answer(setting, **changes) for changes in _kinds_of(code)]
        found = _line_of(rulings, code)
        if found:
            takes.append((label, found))
        else:
            others = tuple(shown_line(charge) for charge in enquiry.answer(setting).charges if charge.role is code.role)
            instead.append((label, others))
    findings = tuple(
        f"{finding.name}: {finding.sentence}"
        for finding in enquiry.answer().findings
        if finding.severity is not Severity.NOTE
    )
    return Position(
        book.payer, enquiry.version.label if enquiry.version else "", tuple(takes), tuple(instead), findings
    )


def _line_of(rulings: list[Ruling], code: Code) -> ShownLine | None:
    for charge in chain.from_iterable(ruling.charges for ruling in rulings):
        if charge.code == code.code:
            return shown_line(charge)
    return None


def example_of(code: Code, books: list[PayerBook], *, on: date, codebook: Codebook) -> Example | None:
    """A payer, a setting and a kind of session that get the code on the date, found by asking; None where none do."""
    for book in books:
        enquiry = Enquiry.of(book, on=on, codebook=codebook)
        for setting in SETTING_LABELS:
            for changes in _kinds_of(code):
                if any(charge.code == code.code for charge in enquiry.answer(setting, **changes).charges):
                    return Example(enquiry, setting, changes)
    return None


def case_of(example: Example | None, *, on: date, today: date) -> dict[str, object]:
    """The case that the form on a code's page opens with: one that gets the code, where there is any."""
    case = CaseForm.starting_with(
        payer=example.enquiry.payer.slug if example else "",
        on=on,
        setting=(example.setting if example else Setting.ON_CAMPUS).value,
        diagnosis=example.enquiry.diagnosis if example else TONGUE,
        today=today,
    )
    changes = example.changes if example else {}
    as_typed = {key: str(value) for key, value in changes.items() if key in case}
    if "motion_management" in changes:
        as_typed["motion"] = "active"
    return case | as_typed


def _modifiers(code: Code, example: Example | None) -> list[ModifierRow]:
    """What the engine says of each modifier on a line of this code."""
    if example is None:
        return []
    return [
        ModifierRow(row.label, tuple(pair for pair in row.answers if pair[1].role is code.role))
        for row in modifier_rows(example.enquiry, example.setting, **example.changes)
    ]


def _groups(codebook: Codebook, on: date) -> list[dict[str, Any]]:
    """The named groups of diagnoses, each with how many codes are billable in it on the date."""
    diagnoses = codebook.diagnoses
    categories = Counter(code[:3] for code in diagnoses.billable_on(on))
    return [
        {"group": group, "count": sum(count for category, count in categories.items() if category in group)}
        for group in diagnoses.groups
    ]


def _rates(code: Code, codebook: Codebook) -> list[dict[str, Any]]:
    """National rates by year, newest first: every year since the first that any rate is known for."""
    known = [rate for rate in codebook.every_rate if rate.period.starts_on and rate.period.last_day]
    first = min((rate.period.starts_on.year for rate in known), default=0)
    last = max((rate.period.last_day.year for rate in known), default=-1)
    rows = []
    for year in range(last, first - 1, -1):
        cells = [_amounts(code, schedule, modifier, year, codebook) for schedule, modifier, _ in SCHEDULES]
        is_valid = any(day in code.valid for day in (date(year, 1, 1), date(year, 12, 31)))
        rows.append({"year": year, "cells": cells, "is_valid": is_valid})
    return rows


def _amounts(code: Code, schedule: str, modifier: str, year: int, codebook: Codebook) -> list[tuple[Decimal, str]]:
    """The amounts of a year, each with its dates where they are not the whole year."""
    whole = Period.inclusive(date(year, 1, 1), date(year, 12, 31))
    return [
        (rate.amount, "" if rate.period == whole else rate.period.words)
        for rate in codebook.every_rate
        if (rate.schedule, rate.code, rate.modifier) == (schedule, code.code, modifier)
        and rate.period.starts_on
        and rate.period.starts_on.year == year
    ]


def _related(code: Code, codebook: Codebook) -> list[Code]:
    return [other for other in codes_with_pages(codebook) if other.role is code.role and other.code != code.code]


def _pairs(code: Code, codebook: Codebook, on: date) -> list[PairRow]:
    found: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for file in FILES_OF_TABLE["pairs"]:
        for (column1, column2), indicator in codebook.pairs_on(file, on).items():
            if column1 == code.code:
                found[(file, "column 1, paid before", indicator)].append(column2)
            if column2 == code.code:
                found[(file, "column 2, yields to", indicator)].append(column1)
    return [
        PairRow(file.capitalize(), position, indicator, sorted(codes))
        for (file, position, indicator), codes in sorted(found.items())
    ]


def _sources_of_pairs(codebook: Codebook, on: date) -> list[Citation]:
    every = chain.from_iterable(codebook.pair_citations_on(file, on) for file in FILES_OF_TABLE["pairs"])
    return list(dict.fromkeys(every))


def _sources(code: Code, choices: list, modalities: list, codebook: Codebook, on: date) -> list[Citation]:
    of_entries = [entry.citations for entry in (code, *choices, *modalities)]
    of_rates = [rate.citations for rate in codebook.every_rate if rate.code == code.code]
    every = chain(*of_entries, *of_rates, _sources_of_pairs(codebook, on), codebook.diagnoses.citations_on(on))
    return sorted(dict.fromkeys(every), key=lambda citation: citation.title)


def transition_page(
    book: PayerBook, books: list[PayerBook], *, setting: Setting, codebook: Codebook, seam: date, today: date
) -> dict[str, Any]:
    """The change of codes: each kind of session before and after it, and where each payer stands."""
    last_old = seam - ONE_DAY
    before = Enquiry.of(book, on=last_old, codebook=codebook)
    after = Enquiry.of(book, on=seam, codebook=codebook)
    return {
        "payer": book.payer,
        "setting": setting.value,
        "setting_label": SETTING_LABELS[setting],
        "seam": seam,
        "last_old": last_old,
        "kinds": [
            (
                label,
                shown_row(label, before.answer(setting, **changes)),
                shown_row(label, after.answer(setting, **changes)),
            )
            for label, changes in KINDS_OF_SESSION
        ],
        "guidances": [
            (
                label,
                shown_row(label, before.answer(setting, guidance=guidance)),
                shown_row(label, after.answer(setting, guidance=guidance)),
            )
            for guidance, label in GUIDANCE_LABELS.items()
        ],
        "keyed": [
            shown_row(_("77386 keyed on the first day"), after.answer(setting, requested_code="77386")),
            shown_row(_("77407 keyed on the last day"), before.answer(setting, requested_code="77407")),
        ],
        "payers": [_stand(other, last_old, seam, setting, codebook, today) for other in books],
        "ended": [code for code in codes_with_pages(codebook) if code.valid.last_day == last_old],
        "begun": [code for code in codes_with_pages(codebook) if seam in code.valid and code.valid.starts_on == seam],
    }


def _stand(
    book: PayerBook, last_old: date, seam: date, setting: Setting, codebook: Codebook, today: date
) -> dict[str, Any]:
    before = Enquiry.of(book, on=last_old, codebook=codebook)
    after = Enquiry.of(book, on=seam, codebook=codebook)
    late = before.answer(setting, coded_on=max(today, last_old))
    ready, keeps = after.terms.day("payer_ready"), after.terms.day("keep_until")
    if not after.terms.holds("authorization_required"):
        authorization = _("None needed")
    elif after.terms.holds("authorization_converts"):
        authorization = _("The payer converts old ones")
    else:
        authorization = _("Held until the payer has converted it")
    version = after.version
    return {
        "payer": book.payer,
        "version": version,
        "is_overdue": bool(version and is_review_overdue(version, today)),
        "clauses": [clause for clause in version.clauses.all() if clause.topic in ON_CODES] if version else [],
        "before": shown_row("", before.answer(setting)),
        "after": shown_row("", after.answer(setting)),
        "authorization": authorization,
        "ready": ready,
        "keeps": keeps,
        "deadline": before.filing_deadline(),
        "is_late": any(finding.name == "TIMELY_FILING" for finding in late.findings),
    }
