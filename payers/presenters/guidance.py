"""The guidance page of a payer, and how a case reads: every rule on it is an answer of the engine."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.codebook import Codebook
from coding.engine.facts import EarlierSession
from coding.engine.findings import CATALOGUE, Finding
from coding.engine.ruling import Charge, Ruling
from coding.engine.trace import Citation, Step
from coding.engine.vocabulary import (
    ClaimForm,
    Guidance,
    Isocenters,
    LineRole,
    MotionManagement,
    Setting,
    Severity,
    Technique,
)
from coding.shaping import is_review_overdue
from payers.guidance import SECOND_SESSION, Enquiry, PayerBook, charge_of
from payers.models import ClauseTopic, Payer, PolicyClause, PolicyVersion
from payers.presenters.comparison import Difference, differences
from payers.presenters.terms import ShownTerm, shown_terms

SETTING_LABELS = {
    Setting.ON_CAMPUS: gettext_lazy("Hospital, on campus"),
    Setting.OFF_CAMPUS_EXCEPTED: gettext_lazy("Hospital, off campus, excepted"),
    Setting.OFF_CAMPUS_NONEXCEPTED: gettext_lazy("Hospital, off campus, nonexcepted"),
    Setting.FREESTANDING: gettext_lazy("Freestanding center"),
    Setting.INPATIENT: gettext_lazy("Hospital inpatient"),
}
CLAIM_FORM_LABELS = {
    ClaimForm.INSTITUTIONAL: "Institutional",
    ClaimForm.PROFESSIONAL: "Professional",
    ClaimForm.GLOBAL: "Global",
}
GUIDANCE_LABELS = {
    Guidance.CBCT: gettext_lazy("Cone-beam CT"),
    Guidance.STEREOSCOPIC: gettext_lazy("Stereoscopic x-ray"),
    Guidance.ULTRASOUND: "Ultrasound",
    Guidance.SURFACE: "Surface",
}
# What was delivered, as a physicist would say it: one row of the table of codes each.
KINDS_OF_SESSION = (
    (gettext_lazy("IMRT, complex, one isocenter"), {}),
    (gettext_lazy("IMRT, simple, one isocenter"), {"technique": Technique.IMRT_SIMPLE}),
    (gettext_lazy("IMRT with a compensator"), {"technique": Technique.COMPENSATOR}),
    (gettext_lazy("3D conformal, one isocenter"), {"technique": Technique.THREE_D}),
    (gettext_lazy("IMRT with active motion management"), {"motion_management": MotionManagement.ACTIVE}),
    (gettext_lazy("IMRT to several isocenters"), {"isocenters": Isocenters.MULTIPLE}),
)
MODIFIER_RULES = (
    ("26", "modifier_26", {}),
    ("TC", "modifier_tc", {}),
    (gettext_lazy("59, 76 and 77, first session of the day"), "modifier_repeat", {}),
    (gettext_lazy("59, 76 and 77, second session"), "modifier_repeat", {"earlier_sessions": (SECOND_SESSION,)}),
    (
        gettext_lazy("59, 76 and 77, second session, another physician"),
        "modifier_repeat",
        {"earlier_sessions": (EarlierSession(480, is_same_physician=False),)},
    ),
)
TOPIC_ANCHORS = (
    (ClauseTopic.SHORT, gettext_lazy("In short")),
    (ClauseTopic.CODES, gettext_lazy("Which code")),
    (ClauseTopic.MODIFIERS, "Modifiers"),
    (ClauseTopic.SECOND_SESSION, gettext_lazy("Two sessions in a day")),
    (ClauseTopic.GUIDANCE, gettext_lazy("Image guidance")),
    (ClauseTopic.AUTHORIZATION, "Authorization"),
    (ClauseTopic.DIAGNOSES, "Diagnoses"),
    (ClauseTopic.DOCUMENTATION, "Documentation"),
    (ClauseTopic.FILING, gettext_lazy("Filing limits and appeals")),
)
DOCUMENTATION_FINDINGS = frozenset(
    {
        "RECORD_MISSING",
        "RX_NOT_SIGNED",
        "PLAN_NOT_APPROVED",
        "IMAGE_UNSIGNED",
        "SUPERVISION_UNDOCUMENTED",
        "COMPLEXITY_DOCUMENTATION",
        "LEVEL3_DOCUMENTATION",
        "PROVIDER_MISSING",
    }
)
DIAGNOSIS_FINDINGS = frozenset(
    {"DX_MISSING", "DX_INVALID", "DX_CODE_SET_DATE", "DX_MALIGNANCY_MISSING", "DX_NOT_COVERED"}
)
AUTHORIZATION_FINDINGS = frozenset({"AUTH_MISSING", "AUTH_UNITS_EXCEEDED", "AUTH_EXPIRED", "AUTH_CODE_MISMATCH"})
SAME_DAY_FINDINGS = frozenset({"BID_GAP", "SAME_SESSION", "BID_NOT_ORDERED", "MUE_EXCEEDED"})


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A charge as a page shows it, with the name of its claim form."""

    claim_form: str
    code: str
    modifiers: tuple[str, ...]
    units: int
    place_of_service: str
    revenue_code: str


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding with the title of the catalogue and the situation that brings it about."""

    situation: str
    title: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row of a table of answers: what was asked, the lines, and what is said instead where there are none."""

    label: str
    lines: tuple[ShownLine, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ModifierRow:
    """When a modifier stands on a line, and when not: the engine's own sentences."""

    label: str
    answers: tuple[tuple[str, Step], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the guidance page with its terms and the payer's own statements."""

    anchor: str
    title: str
    terms: list[ShownTerm]
    clauses: list[PolicyClause]
    findings: list[ShownFinding]


def shown_line(charge: Charge) -> ShownLine:
    """A charge for `_components/line.html`."""
    return ShownLine(
        CLAIM_FORM_LABELS[charge.claim_form],
        charge.code,
        charge.modifiers,
        charge.units,
        charge.place_of_service,
        charge.revenue_code,
    )


def shown_row(label: str, ruling: Ruling) -> ShownRow:
    """The lines of a ruling with the errors and holds that come with them."""
    findings = tuple(finding for finding in ruling.findings if finding.severity is not Severity.NOTE)
    return ShownRow(label, tuple(shown_line(charge) for charge in ruling.charges), findings)


def title_of(finding: Finding) -> str:
    """The catalogue's title of a finding; two edits share one name and so one title."""
    wording = CATALOGUE.get(finding.name.lower())
    return wording.title if wording else _("NCCI pair, indicator 0")


def guidance_page(
    book: PayerBook, *, on: date, setting: Setting, codebook: Codebook, seam: date, today: date
) -> dict[str, Any]:
    """Everything that the guidance page shows of one payer for a date of service and a setting."""
    enquiry = Enquiry.of(book, on=on, codebook=codebook)
    version = enquiry.version
    clauses = list(version.clauses.all()) if version else []
    findings = [
        ShownFinding(situation, title_of(finding), finding)
        for situation, finding in enquiry.findings_by_situation(setting)
    ]
    usual = enquiry.answer(setting)
    second = enquiry.answer(setting, earlier_sessions=(SECOND_SESSION,))
    terms = shown_terms(enquiry.terms, {clause.term: clause for clause in clauses if clause.term})
    page = {
        "payer": book.payer,
        "version": version,
        "is_review_overdue": bool(version and is_review_overdue(version, today)),
        "on": on,
        "diagnosis": enquiry.diagnosis,
        "setting": setting.value,
        "setting_label": SETTING_LABELS[setting],
        "sections": _sections(clauses, terms, findings),
        "plans": [clause for clause in clauses if clause.topic == ClauseTopic.PLANS],
        "alerts": [clause for clause in clauses if clause.topic == ClauseTopic.ALERTS],
        "usual": shown_row(_("The standing example"), usual),
        "kinds": [shown_row(label, enquiry.answer(setting, **changes)) for label, changes in KINDS_OF_SESSION],
        "settings": [shown_row(label, enquiry.answer(place)) for place, label in SETTING_LABELS.items()],
        "modifiers": modifier_rows(enquiry, setting),
        "site_modifiers": _site_rows(enquiry),
        "second": shown_row(_("Second session of the day"), second),
        "guidances": [
            shown_row(label, enquiry.answer(setting, guidance=guidance)) for guidance, label in GUIDANCE_LABELS.items()
        ],
        "deadline": enquiry.filing_deadline(),
        "last_old": Enquiry.of(book, on=seam - timedelta(days=1), codebook=codebook).filing_deadline(),
        "last_old_day": seam - timedelta(days=1),
        "dx_groups": codebook.diagnoses.groups,
        "held": findings,
        "sources": _sources(clauses, version),
        "tables": sorted(codebook.tables.values(), key=lambda table: table.title),
        "changes": _changes(book),
        "is_before_seam": on < seam,
        "before_seam": seam - timedelta(days=1),
        "seam": seam,
    }
    page["glance"] = _glance(enquiry, usual, second, terms, page["deadline"])
    return page


def modifier_rows(enquiry: Enquiry, setting: Setting, **kind: object) -> list[ModifierRow]:
    """26, TC, 59, 76 and 77: the engine's sentence on each line of the example, or of another kind of session."""
    return [
        ModifierRow(label, _steps(enquiry.answer(setting, **kind, **changes), rule))
        for label, rule, changes in MODIFIER_RULES
    ]


def _site_rows(enquiry: Enquiry) -> list[tuple[str, Step]]:
    """PO and PN: the engine's sentence on the delivery line of each setting."""
    rows = []
    for setting, label in SETTING_LABELS.items():
        for _line, step in _steps(enquiry.answer(setting), "modifier_site"):
            if step.role is LineRole.DELIVERY:
                rows.append((label, step))
    return rows


def _steps(ruling: Ruling, rule: str) -> tuple[tuple[str, Step], ...]:
    return tuple(
        (f"{CLAIM_FORM_LABELS[step.claim_form]}, {step.role}", step)
        for step in ruling.trace
        if step.rule == rule and step.claim_form and step.role
    )


def _sections(
    clauses: list[PolicyClause], terms: dict[str, list[ShownTerm]], findings: list[ShownFinding]
) -> dict[str, Section]:
    of_section = {
        ClauseTopic.SECOND_SESSION: SAME_DAY_FINDINGS,
        ClauseTopic.AUTHORIZATION: AUTHORIZATION_FINDINGS,
        ClauseTopic.DIAGNOSES: DIAGNOSIS_FINDINGS,
        ClauseTopic.DOCUMENTATION: DOCUMENTATION_FINDINGS,
    }
    sections = {}
    for topic, title in TOPIC_ANCHORS:
        topics = {topic, ClauseTopic.APPEALS} if topic is ClauseTopic.FILING else {topic}
        names = of_section.get(topic, frozenset())
        sections[topic.value] = Section(
            anchor=topic.value.replace("_", "-"),
            title=title,
            terms=terms.get(topic.value, []),
            clauses=[clause for clause in clauses if clause.topic in topics and not clause.term],
            findings=[shown for shown in findings if shown.finding.name in names],
        )
    return sections


def _glance(
    enquiry: Enquiry, usual: Ruling, second: Ruling, terms: dict[str, list[ShownTerm]], deadline: str
) -> list[tuple[str, str]]:
    """The box beside the text: pairs of a question and its short answer."""

    def text(charge: Charge | None) -> str:
        return _("no line") if charge is None else "-".join((charge.code, *charge.modifiers))

    by_key = {term.key: term for group in terms.values() for term in group}
    return [
        ("Delivery", text(charge_of(usual, LineRole.DELIVERY))),
        ("Guidance", text(charge_of(usual, LineRole.GUIDANCE))),
        (_("Second session"), text(charge_of(second, LineRole.DELIVERY))),
        (_("Least time apart"), by_key["min_gap"].value),
        ("Authorization", "needed" if enquiry.terms.holds("authorization_required") else _("not needed")),
        (_("First claim by"), deadline or _("no limit known")),
    ]


def _sources(clauses: Iterable[PolicyClause], version: PolicyVersion | None) -> list[tuple[Citation, str]]:
    """Each source of the version once, with how far it carries."""
    found: dict[tuple[str, str], tuple[Citation, str]] = {}
    for clause in clauses:
        citation = Citation(
            title=clause.citation_title,
            url=clause.citation_url,
            published=clause.citation_published,
            reviewed_on=version.reviewed_on if version else None,
        )
        found.setdefault((clause.citation_title, clause.citation_url), (citation, clause.get_confidence_display()))
    return sorted(found.values(), key=lambda pair: pair[0].title)


def _changes(book: PayerBook) -> list[tuple[PolicyVersion, list[Difference]]]:
    """Each version after the first, newest first, with what it changed."""
    standing = sorted(book.standing(), key=lambda version: version.effective_from)
    return [(later, differences(earlier, later)) for earlier, later in reversed(list(pairwise(standing)))]


def payer_rows(books: list[PayerBook], *, on: date, codebook: Codebook) -> list[dict[str, Any]]:
    """The list of payers: what the standing example comes to on a day at each of them."""
    rows = []
    for book in books:
        enquiry = Enquiry.of(book, on=on, codebook=codebook)
        rows.append(
            {
                "payer": book.payer,
                "version": enquiry.version,
                "is_review_overdue": bool(enquiry.version and is_review_overdue(enquiry.version, on)),
                "answer": shown_row("", enquiry.answer()),
                "authorization": "needed" if enquiry.terms.holds("authorization_required") else _("not needed"),
                "deadline": enquiry.filing_deadline(),
            }
        )
    return rows


def case_answer(ruling: Ruling, *, payer: Payer, policy: str, on: date) -> dict[str, Any]:
    """The answer to a case: lines, findings with their remedies, and every step."""
    return {
        "payer": payer,
        "policy": policy,
        "on": on,
        "lines": [shown_line(charge) for charge in ruling.charges],
        "findings": ruling.findings,
        "has_error": any(finding.severity is Severity.ERROR for finding in ruling.findings),
        "has_hold": any(finding.severity is Severity.HOLD for finding in ruling.findings),
        "steps": ruling.trace,
    }
