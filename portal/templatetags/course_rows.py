"""The calendar and the table of a course as HTML.

A course has some forty sessions of a dozen values each. A template takes ten times as long for them, so they are put
together here, from pieces in the order in which they stand.
"""

from collections.abc import Iterable
from html import escape
from typing import Any

from django import template
from django.urls import reverse
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.templatetags.frame import icon

register = template.Library()

WHY = 'href="{url}" hx-get="{url}" hx-target="#why-panel"'
CELL = """<div id="{anchor}" class="calendar-cell cell-{state}{shown}" data-cell{problem}>\
<div class="cell-head">{icon} {fraction} {time}</div> {line} {site} \
<span class="cell-words"{hidden}><strong>{label}</strong>{brief}</span> {badges} {actions}</div>"""
OPENED = """<a class="fraction" href="{url}" data-beside><span class="visually-hidden">{session_of} {in_words}</span>\
<span aria-hidden="true">{fraction}</span></a>"""
LINE = f"""<a class="cell-line" {WHY} data-stop data-why><span class="visually-hidden">{{in_words}}:</span> {{code}}\
<span class="visually-hidden">, {{label}}{{brief}}{{badges}}. {{why}}</span></a> {{further}}"""
FURTHER = f"""<a class="cell-further" {WHY} data-beside data-why><span aria-hidden="true">+1</span>\
<span class="visually-hidden">{{why}} {{code}},</span> {{role}}{{state}}</a>"""
ACTION = """<a class="{name}" href="{url}"{stop}>{label}<span class="visually-hidden">: {in_words}</span></a>"""
ROW = """<tr id="{anchor}" data-cell{problem}><th scope="row" class="nowrap">{day}</th><td>{prescribed}{site}</td>\
<td>{delivered}</td><td>{lines}</td><td>{authorized}</td><td>{paid}</td>\
<td><span class="state state-{state}">{icon} {label}</span>{reason}{badges}</td>\
<td class="nowrap no-print">{actions}</td></tr>"""
ROW_LINE = f"""<div><a {WHY} data-why{{stop}}><span class="visually-hidden">{{why}}</span> {{code}}</a> \
<span class="text-soft">× {{units}} {{claim_form}}</span></div>"""
ROW_WITHOUT_LINE = f"""<a {WHY} data-why data-stop>{{no_line}}<span class="visually-hidden">, {{why}}</span></a>"""


@register.simple_tag
def calendar_rows(page: Any) -> SafeString:
    """The weeks of a `portal.presenters.course.CoursePage`."""
    calendar = Calendar(page)
    return mark_safe("".join(calendar.week(week) for week in page.weeks))


@register.simple_tag
def table_of_course(page: Any) -> SafeString:
    """The rows of a `portal.presenters.course.CoursePage` that were asked for, or all."""
    table = Table()
    return mark_safe("".join(table.row(cell) for cell in page.rows))


class Calendar:
    """Makes one week after the other; the words that most cells need are looked up once."""

    def __init__(self, page: Any) -> None:
        self.columns = page.columns
        self.shown = page.showing.key if page.showing else ""
        self.session_of, self.no_line = escape(_("Session of")), escape(_("no line"))
        self.why_it_is, self.why = escape(_("Why?")), escape(_("Why"))
        self.closed = f"{icon('slash-circle')} {escape(_('Closed'))}"

    def week(self, week: Any) -> str:
        year = f"<br>{week.year}" if week.year else ""
        days = "".join(self._day(day) for day in week.days)
        return (
            f"{self._gap(week.empty_before)}{self._seam(week.seam)}"
            f'<tr><th scope="row">{week.number}<br><span class="text-faint">{escape(week.label)}{year}</span></th>'
            f'{days}<td class="num week-lines">{week.lines}</td></tr>'
        )

    def _gap(self, weeks: int) -> str:
        if not weeks:
            return ""
        words = ngettext("%(count)s week without sessions", "%(count)s weeks without sessions", weeks)
        told = escape(words % {"count": weeks})
        return f'<tr class="gap-row"><td colspan="{self.columns}">{told}</td></tr>'

    def _seam(self, seam: Any) -> str:
        if seam is None:
            return ""
        told = escape(_("From %(day)s other codes hold") % {"day": f"{seam.day:%m/%d/%Y}"})
        ended = escape(", ".join(seam.ended)) or "—"
        begun = f" {escape(_('or'))} ".join(f'<span class="code">{escape(code)}</span>' for code in seam.begun)
        by_facts = f" {escape(_('by facts'))}" if len(seam.begun) > 1 else ""
        return (
            f'<tr class="seam-row"><td colspan="{self.columns}">{icon("signpost-split")} '
            f'<a href="{reverse("code-transition")}" data-beside>{told}</a>: <span class="code">{ended}</span> '
            f'{icon("arrow-right")}<span class="visually-hidden">{escape(_("becomes"))}</span> '
            f"{begun or escape(_('no code'))}{by_facts}</td></tr>"
        )

    def _day(self, day: Any) -> str:
        side = f' class="seam-{day.seam_side}"' if day.seam_side else ""
        names_month = " names-month" if day.names_month else ""
        closed = f'<p class="day-closed">{self.closed}: {escape(day.closed)}</p>' if day.closed else ""
        cells = "".join(self._cell(cell) for cell in day.cells)
        label = escape(day.label)
        return (
            f'<td{side}><span class="calendar-day{names_month}" aria-hidden="true">{label}</span>{cells}{closed}</td>'
        )

    def _cell(self, cell: Any) -> str:
        in_words, brief = escape(cell.in_words), f": {escape(cell.brief)}" if cell.brief else ""
        # What a cell of a session shows in words, its link says too.
        is_session = cell.kind == "session"
        hidden = ' aria-hidden="true"' if is_session else ""
        shown = ""
        if self.shown:
            shown = " is-shown" if self.shown in cell.shown_by else " is-quiet"
        fraction = f'<span class="fraction" aria-hidden="true">{cell.fraction}</span>'
        if cell.url:
            fraction = OPENED.format(
                url=cell.url, session_of=self.session_of, in_words=in_words, fraction=cell.fraction or "?"
            )
        return CELL.format(
            anchor=cell.anchor,
            state=cell.state,
            shown=shown,
            problem=" data-problem" if cell.is_problem else "",
            icon=icon(cell.icon),
            fraction=fraction,
            time=f'<span class="cell-time">{cell.time}</span>' if cell.time else "",
            line=self._line(cell, in_words, brief) if is_session else "",
            site=f'<span class="cell-words">{escape(cell.site)}</span>' if cell.site else "",
            hidden=hidden,
            label=escape(cell.state_label),
            brief=brief,
            badges=" ".join(
                f'<span class="cell-words cell-badge"{hidden}>{icon(badge.icon)} {escape(badge.words)}</span>'
                for badge in cell.badges
            ),
            actions="" if is_session else self._actions(cell, in_words),
        )

    def _line(self, cell: Any, in_words: str, brief: str) -> str:
        """The link of a session: what Enter opens, and all that the cell says to who does not see it."""
        return LINE.format(
            url=cell.primary_url,
            in_words=in_words,
            code=_code(cell.line) if cell.line else self.no_line,
            label=escape(cell.state_label),
            brief=brief,
            badges="".join(f", {escape(badge.words)}" for badge in cell.badges),
            why=self.why_it_is,
            further=" ".join(self._further(line, cell.line) for line in cell.further),
        )

    def _further(self, line: Any, first: Any) -> str:
        state = ""
        if line.state != first.state:
            state = f' {icon(line.icon)} <span class="visually-hidden">{escape(line.state_label)}</span>'
        return FURTHER.format(url=line.why_url, why=self.why, code=line.code, role=escape(line.role), state=state)

    def _actions(self, cell: Any, in_words: str) -> str:
        if not cell.actions:
            return f'<span class="visually-hidden" data-stop>{in_words}</span>'
        return " ".join(
            ACTION.format(
                name="cell-action no-print",
                url=action.url,
                stop=" data-stop",
                label=escape(action.label),
                in_words=in_words,
            )
            for action in cell.actions
        )


class Table:
    """Makes one row after the other; the words that most rows need are looked up once."""

    def __init__(self) -> None:
        self.weekdays = [escape(str(WEEKDAYS_ABBR[number])) for number in range(7)]
        self.why, self.why_not, self.no_line = escape(_("Why")), escape(_("why?")), escape(_("no line"))

    def row(self, cell: Any) -> str:
        day = f"{self.weekdays[cell.day.weekday()]} {cell.day:%m/%d/%Y}"
        return ROW.format(
            anchor=cell.anchor,
            problem=" data-problem" if cell.is_problem else "",
            day=f'<a href="{cell.url}">{day}</a>' if cell.url else day,
            prescribed=escape(cell.prescribed) or "—",
            site=f' <span class="text-soft">{escape(cell.site)}</span>' if cell.site else "",
            delivered=escape(cell.delivered),
            lines="".join(self._lines(cell)) or "—",
            authorized=escape(cell.authorized) or "—",
            paid=escape(cell.paid) or "—",
            state=cell.state,
            icon=icon(cell.icon),
            label=escape(cell.state_label),
            reason=f"<div>{escape(cell.reason)}</div>" if cell.reason else "",
            badges="".join(
                f'<div class="cell-badge">{icon(badge.icon)} {escape(badge.words)}</div>' for badge in cell.badges
            ),
            actions="".join(self._actions(cell)),
        )

    def _lines(self, cell: Any) -> Iterable[str]:
        if not cell.line and cell.kind == "session":
            yield ROW_WITHOUT_LINE.format(url=cell.primary_url, no_line=self.no_line, why=self.why_not)
        for line in cell.lines:
            yield ROW_LINE.format(
                url=line.why_url,
                stop=" data-stop" if line is cell.line else "",
                why=self.why,
                code=_code(line),
                units=line.units,
                claim_form=escape(line.claim_form),
            )

    def _actions(self, cell: Any) -> Iterable[str]:
        in_words = escape(cell.in_words)
        for action in cell.actions:
            is_stop = cell.kind != "session" and action is cell.actions[0]
            stop = " data-stop" if is_stop else ""
            yield ACTION.format(name="me-2", url=action.url, stop=stop, label=escape(action.label), in_words=in_words)


def _code(line: Any) -> str:
    """A line's code and modifiers, those of every line of the course in gray."""
    unusual = "".join(f'<span class="modifier">{escape(modifier)}</span>' for modifier in line.unusual)
    usual = "".join(f' <span class="code text-soft">{escape(modifier)}</span>' for modifier in line.usual)
    return f'<span class="code">{line.code}</span>{unusual}{usual}'
