"""The guard of the highest delivery level as pages show it: the mix against a band, checklists, a course to audit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.forms.level_guard import NOBODY, GuardForm, MixForm
from coding.level_guard import (
    AuditedCourse,
    AuditedSession,
    Band,
    Grouping,
    GuardedSession,
    Mix,
    MixRow,
    grounds_of,
    guarded_sessions,
    level_lines,
    level_mix,
    mix_of,
    with_evidence,
    with_missing_evidence,
)
from coding.models import ChargeLine
from portal.models import Machine, Physician, Prescription
from portal.presenters.audit import local_time
from portal.presenters.keyset import KeysetPage, keyset_page
from portal.presenters.rulings import concerns

# More rows than a screen holds; the list behind a number has the rest.
CHECKLISTS_A_PAGE = 25
ONE_PERCENT = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class NumberOfCode:
    code: str
    number: int
    url: str


@dataclass(frozen=True, slots=True)
class MixView:
    """One physician or machine in one month: sessions by code, the share of the highest level, and how it stands."""

    label: str
    month: str
    numbers: list[NumberOfCode]
    share: str
    verdict: str
    is_outside: bool


@dataclass(frozen=True, slots=True)
class MixPage:
    """The mix of the days asked for. `band` is in words, empty where no session is of a level."""

    first: date
    last: date
    highest: str
    codes: tuple[str, ...]
    grouping: str
    rows: list[MixView]
    total: MixView
    band: str
    outside: int


def mix_page(form: MixForm) -> MixPage:
    """The mix that a valid form asks for. The band is the average of everything that the person may see."""
    levels, filters = form.levels, form.filters
    mix = partial(level_mix, user=form.user, levels=levels, grouping=form.grouping)
    rows = mix(filters=filters)
    in_all = mix_of(mix(filters=replace(filters, department_id=None)) if form.department_id else rows, levels)
    band = Band(in_all.share, form.band_points) if in_all.share is not None else None
    names = _names(form.grouping, rows)
    views = [
        _row_view(row, names, form, band)
        for row in sorted(rows, key=lambda row: (names.get(row.key, "~"), row.month.toordinal() * -1))
    ]
    return MixPage(
        first=form.first,
        last=form.last,
        highest=levels.highest,
        codes=levels.codes,
        grouping=str(form.grouping.label),
        rows=views,
        total=_view(_("All"), "", mix_of(rows, levels), form, {}, form.first, form.last, None),
        band=_band_in_words(band, form.band_points) if band else "",
        outside=sum(view.is_outside for view in views),
    )


def _names(grouping: Grouping, rows: list[MixRow]) -> dict[int | None, str]:
    keys = {row.key for row in rows if row.key is not None}
    if grouping is Grouping.PHYSICIAN:
        return {one.pk: str(one) for one in Physician.objects.filter(pk__in=keys)}
    machines = Machine.objects.filter(pk__in=keys).select_related("department")
    return {one.pk: f"{one.department.name}: {one.name}" for one in machines}


def _row_view(row: MixRow, names: Mapping[int | None, str], form: MixForm, band: Band | None) -> MixView:
    last_of_month = (row.month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return _view(
        names.get(row.key, _("Not named")),
        f"{row.month:%m/%Y}",
        row.mix,
        form,
        {form.grouping.value: str(row.key) if row.key is not None else NOBODY},
        max(row.month, form.first),
        min(last_of_month, form.last),
        band,
    )


def _view(
    label: str,
    month: str,
    mix: Mix,
    form: MixForm,
    of_group: Mapping[str, str],
    first: date,
    last: date,
    band: Band | None,
) -> MixView:
    asked = {"start": first.isoformat(), "end": last.isoformat(), **of_group}
    if form.department_id:
        asked["department"] = str(form.department_id)
    is_outside, verdict = _judged(mix, band)
    return MixView(
        label=label,
        month=month,
        numbers=[
            NumberOfCode(code, number, f"{reverse('level-guard-sessions')}?{urlencode({'code': code, **asked})}")
            for code, number in mix.numbers.items()
        ],
        share=percent(mix.share),
        verdict=verdict,
        is_outside=is_outside,
    )


def _judged(mix: Mix, band: Band | None) -> tuple[bool, str]:
    """Whether a share stands outside the band, and how it stands in words."""
    if band is None or mix.share is None:
        return False, ""
    if not mix.is_judged:
        return False, _("too few to judge")
    if mix.share > band.most:
        return True, _("above the band")
    if mix.share < band.least:
        return True, _("below the band")
    return False, _("in the band")


def percent(share: Decimal | None) -> str:
    """A share as people read it, to a tenth of a percent; empty where there is none."""
    if share is None:
        return ""
    return f"{(share * 100).quantize(ONE_PERCENT, ROUND_HALF_UP)} %"


def _band_in_words(band: Band, points: int) -> str:
    words = {
        "average": percent(band.average),
        "points": points,
        "least": percent(band.least),
        "most": percent(band.most),
    }
    return _("%(least)s to %(most)s: your own average of these days, %(average)s, and %(points)d points.") % words


@dataclass(frozen=True, slots=True)
class GuardPage:
    rows: list[GuardedSession]
    pages: KeysetPage


def guard_page(form: GuardForm, *, asked: Mapping[str, str]) -> GuardPage:
    """One page of the sessions that a valid form leaves, each with its checklist, in a fixed number of queries."""
    lines = level_lines(user=form.user, levels=form.levels, filters=form.filters).filter(code=form.level_code)
    if form.is_of_missing:
        lines = with_missing_evidence(lines)
    pages = keyset_page(with_evidence(lines), by="date_of_service", asked=asked, kept=form.kept, size=CHECKLISTS_A_PAGE)
    return GuardPage(guarded_sessions(pages.rows), pages)


@dataclass(frozen=True, slots=True)
class SignedPrescription:
    """A prescription with who signed it and who approved its plan, and when."""

    prescription: Prescription
    signed: str
    approved: str


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A line with the reason of its code and the further steps that decided something on it, each in a few words."""

    line: ChargeLine
    grounds: str
    steps: list[str]


@dataclass(frozen=True, slots=True)
class AuditSession:
    """One session as the printout tells it."""

    session: Any
    when: str
    image_review: str
    lines: list[AuditLine]
    checklist: tuple[Any, ...]
    missing: list[Any]
    holds: list[Any]


@dataclass(frozen=True, slots=True)
class GapView:
    """A piece of evidence that is missing, and on which days."""

    label: str
    sessions: list[Any]
    count_text: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    course: Any
    payer: str
    prescriptions: list[SignedPrescription]
    sessions: list[AuditSession]
    gaps: list[GapView]
    lines: int


def audit_page(audited: AuditedCourse) -> AuditPage:
    """What an auditor would be handed for the course today."""
    ledger = audited.ledger
    zone = ledger.course.department.zone
    payer = ledger.record.payer_on(audited.sessions[-1].row.day) if audited.sessions else None
    return AuditPage(
        course=ledger.course,
        payer=payer.name if payer else "",
        prescriptions=[_signed(prescription, zone) for prescription in ledger.prescriptions],
        sessions=[_session_view(session, zone) for session in audited.sessions],
        gaps=[
            GapView(
                str(evidence.label),
                [session.row.session for session in sessions],
                ngettext("%(n)d session", "%(n)d sessions", len(sessions)) % {"n": len(sessions)},
            )
            for evidence, sessions in audited.gaps.items()
        ],
        lines=sum(len(session.row.charged) for session in audited.sessions),
    )


def _signed(prescription: Prescription, zone: Any) -> SignedPrescription:
    def by(person: Any, at: Any) -> str:
        if at is None:
            return ""
        when = local_time(at, zone)
        return f"{when}, {person}" if person else when

    return SignedPrescription(
        prescription,
        signed=by(prescription.signed_by, prescription.signed_at),
        approved=by(prescription.plan_approved_by, prescription.plan_approved_at),
    )


def _session_view(audited: AuditedSession, zone: Any) -> AuditSession:
    session = audited.row.session
    signed_at = session.image_review_signed_at
    return AuditSession(
        session=session,
        when=local_time(session.started_at, zone),
        image_review=local_time(signed_at, zone) if signed_at else "",
        lines=[_audit_line(line, audited) for line in audited.row.charged],
        checklist=audited.checklist,
        missing=audited.missing,
        holds=list(audited.row.holds),
    )


def _audit_line(line: ChargeLine, audited: AuditedSession) -> AuditLine:
    grounds = grounds_of(line, audited.steps)
    steps = [
        f"{step['title']}: {step['result']}"
        for step in audited.steps
        if step["result"] and step["sentence"] != grounds and concerns(step, line.claim_form, line.role)
    ]
    return AuditLine(line, grounds, steps)
