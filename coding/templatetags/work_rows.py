"""The rows of charge review, of the filing clock and of the list of holds as HTML.

A page has fifty rows of some thirty values each. A template takes ten times as long for them, so they are put together
here, from pieces in the order in which they stand.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from typing import Any

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from coding.presenters.holds import HeldLine, HoldRow, HoldTold
from coding.presenters.review import LineTold, Reason, ReviewRow
from portal.presenters.addresses import addresses
from portal.templatetags.frame import day, icon, money, severity_icon, state_pill

register = template.Library()

BOX = """<input class="form-check-input" type="checkbox" name="{name}" value="{pk}" aria-label="{label}">"""
SERVICE = """<td><a href="{url}">{day}</a><div class="text-faint">{department}</div></td>"""
PATIENT = """<td><a href="{url}">{patient}</a><div class="text-faint"><span class="code nowrap">{number}</span> \
{payer}</div></td>"""
LINE = """<td><a class="nowrap" href="{url}" hx-get="{url}" hx-target="#why-panel" data-line>{code}\
<span class="visually-hidden">: {why}</span></a><div class="text-faint">{below}</div></td>"""
AMOUNTS = """<td class="num">{charge}<div class="text-faint"><span class="visually-hidden">{label}</span> \
{expected}{by_contract}</div></td>"""
FILE_BY = """<div class="{tone}">{sign}{label} {day}, <span class="nowrap">{left}</span></div>"""
FOUND = """<td><a href="{url}" hx-get="{url}" hx-target="#why-panel" hx-swap="innerHTML settle:0ms" data-line>{title}\
<span class="visually-hidden">, {patient}, {day}</span></a>{hard}<div class="text-soft">{sentence}</div>{became}</td>"""
TAKE_BACK = """ <button class="btn btn-link btn-sm no-print" type="submit" formaction="{url}" hx-post="{set_back_url}" \
hx-vals='{{"action": "release", "set_back": "{pk}"}}' hx-target="#why-panel" hx-swap="innerHTML settle:0ms">{label}\
<span class="visually-hidden">: {title}, {day}</span></button>"""
WHOSE = """<td><a href="{course_url}">{patient}</a><div class="text-faint"><span class="code nowrap">{number}</span> \
{payer}</div><div><a href="{session_url}">{day}</a>{lines}</div></td>"""
PROOF = """<div class="no-print"><a href="{url}">{proof}<span class="visually-hidden">: {line}, {day}, \
{patient}</span></a></div>"""


@register.simple_tag
def review_rows(rows: Iterable[ReviewRow], may_act: Any, sees_holds: bool, is_swapped: bool = False) -> SafeString:
    """Lines of charge review; `may_act` where they can be ticked, `is_swapped` where each takes its old place."""
    made = ReviewRows(sees_holds)
    if is_swapped:
        swap = ' hx-swap-oob="true"'
        return mark_safe("".join(f"<template>{made.review_row(row, may_act, swap)}</template>" for row in rows))
    return mark_safe("".join(made.review_row(row, may_act) for row in rows))


@register.simple_tag
def filing_rows(rows: Iterable[ReviewRow], sees_holds: bool) -> SafeString:
    """Lines of the filing clock."""
    made = ReviewRows(sees_holds)
    return mark_safe("".join(made.filing_row(row) for row in rows))


@register.simple_tag
def hold_rows(rows: Iterable[HoldRow], may_act: Any, may_release: bool, is_swapped: bool = False) -> SafeString:
    """Holds of the list; `may_act` where they can be ticked, `is_swapped` where each takes a place in the list."""
    made = HoldRows(may_act, may_release)
    if is_swapped:
        return mark_safe("".join(f"<template>{made.swapped(row)}</template>" for row in rows))
    return mark_safe("".join(map(made.row, rows)))


@register.simple_tag
def reasons(found: Iterable[Reason], sees_holds: bool) -> SafeString:
    """Why a line is kept back or absent. A hold leads to its page and says whose it is."""
    return mark_safe(Reasons(sees_holds).html(found))


def code_html(code: str, modifiers: Sequence[str]) -> str:
    """A code and its modifiers."""
    shown = "".join(f'<span class="modifier">{escape(modifier)}</span>' for modifier in modifiers)
    return f'<span class="code">{escape(code)}</span>{shown}'


class Reasons:
    """Why lines are kept back; what is alike in all of them is looked up once."""

    def __init__(self, sees_holds: bool) -> None:
        self.hold_url = addresses("hold-detail") if sees_holds else None
        self.sign = cache(severity_icon)
        self.hard = f' <span class="text-faint nowrap">{icon("lock")} {escape(_("hard"))}</span>'
        self.overdue = f"{icon('exclamation-triangle')} {escape(_('overdue since'))}"
        self.due = escape(_("due"))
        self.nobody = escape(_("nobody"))

    def html(self, found: Iterable[Reason]) -> str:
        return "".join(map(self._one, found))

    def _one(self, reason: Reason) -> str:
        title = escape(reason.title)
        if reason.hold_id and self.hold_url:
            title = f'<a href="{self.hold_url(reason.hold_id)}">{title}</a>'
        hard = self.hard if reason.is_hard else ""
        return f"<div>{self.sign(reason.severity)}: {title}{hard}{self._whose(reason)}</div>"

    def _whose(self, reason: Reason) -> str:
        if not (reason.owner or reason.due_on):
            return ""
        until = ""
        if reason.due_on and reason.is_overdue:
            until = f', <strong class="overdue">{self.overdue} {day(reason.due_on)}</strong>'
        elif reason.due_on:
            until = f", {self.due} {day(reason.due_on)}"
        return f' <span class="text-faint">{escape(reason.owner) or self.nobody}{until}</span>'


class ReviewRows:
    """Makes one row after the other; what is alike in all of them is looked up once."""

    def __init__(self, sees_holds: bool) -> None:
        self.reasons = Reasons(sees_holds)
        self.session_url, self.course_url = addresses("session-detail"), addresses("course-detail")
        self.why_url, self.proof_url = addresses("line-why"), addresses("filing-proof")
        self.pill = cache(state_pill)
        self.near = icon("hourglass-split")
        self.tick = _("Tick %(line)s, %(day)s, %(patient)s")
        self.correction = _("Correction drafted: %(correction)s")
        self.revenue = _("rev %(code)s")
        self.words = {
            "why": escape(_("why")),
            "file by": escape(_("File by")),
            "no payer": f'<span class="missing">{escape(_("no payer"))}</span>',
            "not known": f'<span class="missing">{escape(_("not known"))}</span>',
            "expected": escape(_("Expected:")),
            "by contract": f"<div>{escape(_('by contract'))}</div>",
            "cancellation": f"<div>{escape(_('Cancellation drafted: the facts charge it no longer'))}</div>",
            "proof": escape(_("Proof")),
        }

    def review_row(self, row: ReviewRow, may_act: Any, swap: str = "") -> str:
        line = row.line
        tick = self._tick(line) if may_act else ""
        place = self.revenue % {"code": line.revenue_code} if line.revenue_code else f"POS {line.place_of_service}"
        told = self._line(line, f"× {line.units} {escape(place)}, {escape(row.claim_form)}")
        return (
            f'<tr id="line-{line.pk}" data-row tabindex="-1"{swap}>{tick}{self._where(row)}{told}'
            f"<td>{self._stands(row)}</td>{self._amounts(line)}</tr>"
        )

    def filing_row(self, row: ReviewRow) -> str:
        line = row.line
        deadline = self.words["not known"]
        if row.file_by:
            left = f'<div class="{self._tone(row)}">{self._sign(row)}{escape(row.deadline)}</div>'
            deadline = f"{day(row.file_by)}{left}"
        proof = PROOF.format(
            url=self.proof_url(line.pk),
            proof=self.words["proof"],
            line=escape(str(line)),
            day=day(line.date_of_service),
            patient=escape(line.patient),
        )
        return (
            f'<tr id="line-{line.pk}" data-row tabindex="-1"><td class="nowrap">{deadline}{proof}</td>'
            f"{self._where(row)}{self._line(line, escape(row.claim_form))}"
            f"<td>{self.pill(line.state)}{self.reasons.html(row.reasons)}</td></tr>"
        )

    def _tick(self, line: LineTold) -> str:
        label = self.tick % {"line": line, "day": day(line.date_of_service), "patient": line.patient}
        box = BOX.format(name="line", pk=line.pk, label=escape(label))
        return f'<td class="tick no-print">{box}</td>'

    def _where(self, row: ReviewRow) -> str:
        line = row.line
        service = SERVICE.format(
            url=self.session_url(line.session_id), day=day(line.date_of_service), department=escape(line.department)
        )
        return service + PATIENT.format(
            url=self.course_url(line.course_id),
            patient=escape(line.patient),
            number=escape(line.patient_number),
            payer=escape(row.payer) or self.words["no payer"],
        )

    def _line(self, line: LineTold, below: str) -> str:
        url, code = self.why_url(line.pk), code_html(line.code, line.modifiers)
        return LINE.format(url=url, code=code, why=self.words["why"], below=below)

    def _stands(self, row: ReviewRow) -> str:
        """Its state, what keeps it back, what is drafted beside it, and until when it is to be filed."""
        parts = [self.pill(row.line.state), self.reasons.html(row.reasons)]
        for pk, correction in row.corrections:
            words = escape(self.correction % {"correction": correction})
            parts.append(f'<div><a href="{self.why_url(pk)}">{words}</a></div>')
        if row.line.cancellation_drafted_in_id:
            parts.append(self.words["cancellation"])
        if row.file_by:
            deadline = FILE_BY.format(
                tone=self._tone(row),
                sign=self._sign(row),
                label=self.words["file by"],
                day=day(row.file_by),
                left=escape(row.deadline),
            )
            parts.append(deadline)
        return "".join(parts)

    def _tone(self, row: ReviewRow) -> str:
        return "deadline-near" if row.is_near else "text-faint"

    def _sign(self, row: ReviewRow) -> str:
        return f"{self.near} " if row.is_near else ""

    def _amounts(self, line: LineTold) -> str:
        return AMOUNTS.format(
            charge=money(line.charge_amount),
            label=self.words["expected"],
            expected=money(line.expected_amount),
            by_contract=self.words["by contract"] if line.is_expected_by_contract else "",
        )


class HoldRows:
    """Makes one row after the other; what is alike in all of them is looked up once."""

    def __init__(self, may_act: Any, may_release: bool) -> None:
        self.may_act, self.may_release = may_act, may_release
        self.hold_url, self.reopen_url = addresses("hold-detail"), addresses("hold-reopen")
        self.session_url, self.course_url = addresses("session-detail"), addresses("course-detail")
        self.set_back_url = reverse("hold-set-back")
        self.tick = _("Tick %(title)s, %(day)s, %(patient)s")
        self.released = _("Released by %(who)s: %(note)s")
        self.near = f"{icon('hourglass-split')} "
        self.arrow = icon("arrow-right")
        self.check = icon("check-circle-fill")
        self.words = {
            "hard": f' <span class="text-faint nowrap">{icon("lock")} {escape(_("hard"))}</span>',
            "gone": escape(_("Gone: the facts changed.")),
            "take back": escape(_("Take the release back")),
            "no payer": escape(_("no payer")),
            "no line": f' <span class="text-faint">{escape(_("no line yet"))}</span>',
            "not known": f'<div class="text-faint">{escape(_("deadline not known"))}</div>',
            "nobody": f'<span class="text-faint">{escape(_("nobody"))}</span>',
            "overdue": f"{icon('exclamation-triangle')} {escape(_('overdue since'))}",
            "due today": f"{icon('clock-history')} {escape(_('due today'))}",
            "due": escape(_("due")),
        }

    def row(self, row: HoldRow, swap: str = "") -> str:
        hold, served = row.hold, day(row.hold.date_of_service)
        patient, title = escape(hold.patient), escape(row.title)
        gone = "" if hold.is_open else ' class="hold-gone"'
        tick = self._tick(row, served) if self.may_act else ""
        found = FOUND.format(
            url=self.hold_url(hold.pk),
            title=title,
            patient=patient,
            day=served,
            hard=self.words["hard"] if hold.is_hard else "",
            sentence=escape(hold.sentence),
            became=self._became(row, title, served),
        )
        whose = WHOSE.format(
            course_url=self.course_url(hold.course_id),
            patient=patient,
            number=escape(hold.patient_number),
            payer=escape(hold.payer or "") or self.words["no payer"],
            session_url=self.session_url(hold.session_id),
            day=served,
            lines="".join(map(self._line, row.lines)) or self.words["no line"],
        )
        return (
            f'<tr id="hold-{hold.pk}" data-row tabindex="-1"{swap}{gone}>{tick}{found}{whose}'
            f'<td>{self._file_by(row)}<div>{self._owner(row)}</div></td><td class="num">{row.days}</td></tr>'
        )

    def swapped(self, row: HoldRow) -> str:
        """The row, to be put in the place of the hold that it stands for."""
        return self.row(row, f' hx-swap-oob="outerHTML:#hold-{row.stands_for}"')

    def _tick(self, row: HoldRow, served: str) -> str:
        box = ""
        if row.hold.is_open:
            label = self.tick % {"title": row.title, "day": served, "patient": row.hold.patient}
            box = BOX.format(name="hold", pk=row.hold.pk, label=escape(label))
        return f'<td class="tick no-print">{box}<input type="hidden" name="shown" value="{row.hold.pk}"></td>'

    def _became(self, row: HoldRow, title: str, served: str) -> str:
        """What became of the hold, or what is to be done next."""
        hold = row.hold
        if hold.released_at:
            released = escape(self.released % {"who": hold.released_by, "note": hold.release_note})
            return f"<div>{self.check} {released}{self._take_back(hold, title, served)}</div>"
        if hold.closed_at:
            return f"<div>{self.check} {self.words['gone']}</div>"
        return f'<div class="text-faint">{self.arrow} {escape(row.step)}</div>'

    def _take_back(self, hold: HoldTold, title: str, served: str) -> str:
        if hold.closed_at or not self.may_release:
            return ""
        return TAKE_BACK.format(
            pk=hold.pk,
            url=self.reopen_url(hold.pk),
            set_back_url=self.set_back_url,
            label=self.words["take back"],
            title=title,
            day=served,
        )

    def _line(self, line: HeldLine) -> str:
        return f' <span class="nowrap hold-line">{code_html(line.code, line.modifiers)}</span>'

    def _file_by(self, row: HoldRow) -> str:
        if not row.hold.file_by:
            return self.words["not known"]
        tone, sign = ("deadline-near", self.near) if row.is_near else ("", "")
        return f'<div class="{tone}">{sign}{day(row.hold.file_by)}, {escape(row.deadline)}</div>'

    def _owner(self, row: HoldRow) -> str:
        owner = escape(row.hold.owner) or self.words["nobody"]
        if not (row.hold.due_on and row.hold.is_open):
            return owner
        if row.is_overdue:
            return f'{owner} <strong class="overdue">{self.words["overdue"]} {day(row.hold.due_on)}</strong>'
        if row.is_due:
            return f'{owner} <strong class="overdue">{self.words["due today"]}</strong>'
        return f'{owner} <span class="text-faint">{self.words["due"]} {day(row.hold.due_on)}</span>'
