"""The guidance page of a payer, and how a case reads: every rule on it is an answer of the engine."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
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
from coding.shaping import REVIEW_OVERDUE_AFTER_DAYS, is_review_overdue, last_reviewed_on
from payers.guidance import SECOND_SESSION, Enquiry, PayerBook, charge_of
from payers.guidance_search import FOUND_AT_MOST, MARK_BEGINS, MARK_ENDS, Found, in_words_of_statements
from payers.markdown import as_html
from payers.models import ClauseTopic, Payer, PolicyClause, PolicyVersion
from payers.presenters.asked import SETTING_LABELS, Place
from payers.presenters.comparison import Difference, differences
from payers.presenters.terms import ShownTerm, shown_terms

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
class ShownClause:
    """A statement with the last day on which it was compared with its source, and whether that is too long ago.

    An alert whose days begin only after the date of service is coming.
    """

    clause: PolicyClause
    compared_on: date
    is_overdue: bool
    is_coming: bool

    @property
    def anchor(self) -> str:
        return f"term-{self.clause.term}" if self.clause.term else f"clause-{self.clause.pk}"


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the guidance page with its terms, each with its own clause, and the payer's other statements."""

    anchor: str
    title: str
    terms: list[tuple[ShownTerm, ShownClause | None]]
    clauses: list[ShownClause]
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
    book: PayerBook, *, on: date, place: Place, codebook: Codebook, seam: date, today: date
) -> dict[str, Any]:
    """Everything that the guidance page shows of one payer for a date of service and a department or setting."""
    enquiry = Enquiry.of(book, on=on, codebook=codebook)
    version, setting = enquiry.version, place.setting
    # What the department bills where one is asked for; a setting alone bills as its kind does.
    billed = {"claim_forms": place.claim_forms} if place.claim_forms else {}
    shown_clauses = _shown_clauses(version, on=on, today=today)
    findings = [
        ShownFinding(situation, title_of(finding), finding)
        for situation, finding in enquiry.findings_by_situation(setting)
    ]
    usual = enquiry.answer(setting, **billed)
    second = enquiry.answer(setting, earlier_sessions=(SECOND_SESSION,), **billed)
    terms = shown_terms(
        enquiry.terms, {shown.clause.term: shown.clause for shown in shown_clauses if shown.clause.term}
    )
    page = {
        "payer": book.payer,
        "version": version,
        "compared_on": last_reviewed_on(version, today) if version else None,
        "is_review_overdue": bool(version and is_review_overdue(version, today)),
        "in_force_today": book.version_on(today),
        "coming": next((later for later in book.standing() if later.effective_from > on), None),
        "on": on,
        "diagnosis": enquiry.diagnosis,
        "place": place,
        "setting": setting.value,
        "setting_label": SETTING_LABELS[setting],
        "sections": _sections(shown_clauses, terms, findings),
        "further": as_html(version.guidance) if version and version.guidance else "",
        "plans": [shown for shown in shown_clauses if shown.clause.topic == ClauseTopic.PLANS],
        "alerts": _alerts(shown_clauses, on),
        "usual": shown_row(_("The standing example"), usual),
        "kinds": [
            shown_row(label, enquiry.answer(setting, **billed, **changes)) for label, changes in KINDS_OF_SESSION
        ],
        "settings": [shown_row(label, enquiry.answer(place)) for place, label in SETTING_LABELS.items()],
        "modifiers": modifier_rows(enquiry, setting, **billed),
        "site_modifiers": _site_rows(enquiry),
        "second": shown_row(_("Second session of the day"), second),
        "guidances": [
            shown_row(label, enquiry.answer(setting, guidance=guidance, **billed))
            for guidance, label in GUIDANCE_LABELS.items()
        ],
        "deadline": enquiry.filing_deadline(),
        "last_old": Enquiry.of(book, on=seam - timedelta(days=1), codebook=codebook).filing_deadline(),
        "last_old_day": seam - timedelta(days=1),
        "dx_groups": codebook.diagnoses.groups,
        "held": findings,
        "sources": _sources(shown_clauses),
        "tables": sorted(codebook.tables_on(on), key=lambda table: table.title),
        "changes": _changes(book),
        "is_before_seam": on < seam,
        "before_seam": seam - timedelta(days=1),
        "seam": seam,
    }
    page["glance"] = _of_place(place) + _glance(enquiry, usual, second, terms, page["deadline"])
    return page


def _shown_clauses(version: PolicyVersion | None, *, on: date, today: date) -> list[ShownClause]:
    """The statements of a version; comparing the whole version again counts for each of them."""
    if version is None:
        return []
    again = max((review.reviewed_on for review in version.reviews.all()), default=date.min)
    shown = []
    for clause in version.clauses.all():
        compared_on = max(clause.reviewed_on or version.reviewed_on, again)
        is_overdue = (today - compared_on).days > REVIEW_OVERDUE_AFTER_DAYS
        is_coming = clause.alert_from is not None and clause.alert_from > on
        shown.append(ShownClause(clause, compared_on, is_overdue, is_coming))
    return shown


def _alerts(shown_clauses: list[ShownClause], on: date) -> list[ShownClause]:
    """The alerts whose days are not over on the date, those that hold on it before those to come."""
    alerts = [shown for shown in shown_clauses if shown.clause.topic == ClauseTopic.ALERTS]
    standing = [shown for shown in alerts if shown.clause.alert_until is None or shown.clause.alert_until >= on]
    return sorted(standing, key=lambda shown: shown.is_coming)


def _of_place(place: Place) -> list[tuple[str, str]]:
    """What the box says first of a department: its setting on the date, and what it bills."""
    if place.department is None:
        return []
    billed = ", ".join(str(CLAIM_FORM_LABELS[form]) for form in place.claim_forms)
    return [
        (_("Department"), place.department.name),
        (_("Setting"), str(SETTING_LABELS[place.setting])),
        (_("Claim forms"), billed or _("none yet")),
    ]


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
    clauses: list[ShownClause], terms: dict[str, list[ShownTerm]], findings: list[ShownFinding]
) -> dict[str, Section]:
    of_section = {
        ClauseTopic.SECOND_SESSION: SAME_DAY_FINDINGS,
        ClauseTopic.AUTHORIZATION: AUTHORIZATION_FINDINGS,
        ClauseTopic.DIAGNOSES: DIAGNOSIS_FINDINGS,
        ClauseTopic.DOCUMENTATION: DOCUMENTATION_FINDINGS,
    }
    of_term = {shown.clause.term: shown for shown in clauses if shown.clause.term}
    sections = {}
    for topic, title in TOPIC_ANCHORS:
        topics = {topic, ClauseTopic.APPEALS} if topic is ClauseTopic.FILING else {topic}
        names = of_section.get(topic, frozenset())
        sections[topic.value] = Section(
            anchor=topic.value.replace("_", "-"),
            title=title,
            terms=[(term, of_term.get(term.key)) for term in terms.get(topic.value, [])],
            clauses=[shown for shown in clauses if shown.clause.topic in topics and not shown.clause.term],
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


def _sources(shown_clauses: Iterable[ShownClause]) -> list[tuple[Citation, str]]:
    """Each source of the version once, with how far it carries."""
    found: dict[tuple[str, str], tuple[Citation, str]] = {}
    for shown in shown_clauses:
        clause = shown.clause
        citation = Citation(
            title=clause.citation_title,
            url=clause.citation_url,
            published=clause.citation_published,
            reviewed_on=shown.compared_on,
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
                "compared_on": last_reviewed_on(enquiry.version, on) if enquiry.version else None,
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


def marked(text: str) -> SafeString:
    """A text with the words that were found marked; everything else of it is escaped."""
    parts = re.split(f"{MARK_BEGINS}([^{MARK_ENDS}]*){MARK_ENDS}", text)
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", part) if place % 2 else part,) for place, part in enumerate(parts))
    )


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where the words stand, with the address of that very place on the guidance page."""

    payer: str
    topic: str
    text: SafeString
    source: SafeString
    section: str
    effective_from: date
    url: str


def search_page(found: list[Found], *, asked: Mapping[str, str], on: date | None) -> dict[str, Any]:
    """What was found, the best answer first, and with what words more may be found.

    `asked` is the address's query. `on` is None where all published versions were searched.
    """
    wanted = asked.get("q", "").strip()
    return {
        "instead": [(said, "?" + urlencode({**asked, "q": words})) for said, words in in_words_of_statements(wanted)],
        "wanted": wanted,
        "on": on,
        "hits": [_hit(one, on) for one in found],
        "is_cut": len(found) == FOUND_AT_MOST,
    }


def _hit(found: Found, on: date | None) -> Hit:
    version, clause = found.version, found.clause
    return Hit(
        payer=version.policy.payer.name,
        topic=clause.get_topic_display() if clause else _("What the version says of itself"),
        text=marked(found.marked),
        source=marked(found.marked_source),
        section=clause.citation_section if clause else "",
        effective_from=version.effective_from,
        url=_address_of(found, on),
    )


def _address_of(found: Found, on: date | None) -> str:
    """The guidance page of the payer, at the statement, on a day on which it stands there."""
    day, slug = on or found.version.effective_from, found.version.policy.payer.slug
    return f"{reverse('guidance-detail', args=[slug])}?on={day.isoformat()}#{found.anchor}"
