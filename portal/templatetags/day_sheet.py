"""The rows of a day sheet as HTML.

A sheet has up to sixty rows of some forty values each. A template takes ten times as long for them, so they are put
together here, from pieces in the order in which they stand.
"""

from collections.abc import Callable
from html import escape
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from portal.templatetags.frame import icon, options, state_pill

register = template.Library()

HEAD = """<tr id="row-{pk}" class="{classes}" data-row="{pk}" data-expected="{expected}"{swap}>\
<td class="num">{number}</td>\
<th scope="row" id="p{pk}">{patient} <div class="row-course">{site} <b>{fraction}</b></div></th>\
<td>{payer}</td>"""
OUTCOME = """<td class="cell-outcome outcome-{outcome}">\
<input type="hidden" name="row-{pk}-mark" value="{mark}">{icon} \
<select id="o{pk}" name="row-{pk}-outcome" aria-labelledby="h-o p{pk}"{is_wrong}>{options}</select>{why}</td>"""
WHY_MISSED = """<input class="if-missed" id="w{pk}" name="row-{pk}-missed_reason" value="{value}" \
placeholder="{label}" aria-labelledby="h-w p{pk}" list="missed-reasons" maxlength="200"{is_wrong}>"""
CLOCK = """<td class="cell-clock"><input id="{letter}{pk}" name="row-{pk}-{name}" value="{value}" \
aria-labelledby="h-{letter} p{pk}"{is_wrong}>{after}</td>"""
CHOICE = """<td><select id="{letter}{pk}" name="row-{pk}-{name}" \
aria-labelledby="h-{letter} p{pk}">{options}</select></td>"""
FROM_LOG = """<span class="from-log" title="{label}: {words}">{icon}\
<span class="visually-hidden">{inside}</span></span>"""
RECORDED = """<td class="cell-outcome outcome-{outcome}">{icon} {words}</td><td colspan="5">{recorded}</td>"""
LINE = """<a class="sheet-line line-{state}" href="{url}" hx-get="{url}" hx-params="none">\
<span class="visually-hidden">{why} </span><span class="code">{code}</span>{modifiers}</a>{pill} """
LINK = """<a class="row-link" href="{url}">{label}<span class="visually-hidden">, {patient}</span></a>"""
SAVE = """<button class="btn btn-secondary btn-sm row-save no-print" name="row" value="{pk}" formaction="{url}">{verb} \
<span class="visually-hidden">{patient}</span></button>"""


@register.simple_tag
def sheet_rows(page: Any, is_swapped: bool = False) -> SafeString:
    """The rows of a `portal.presenters.day_sheet.DaySheet`; `is_swapped` where each takes its old place."""
    rows = SheetRows(page, is_swapped)
    return mark_safe("".join(rows.row(view) for view in page.views))


class SheetRows:
    """Makes one row after the other; what is alike in all of them is looked up once."""

    def __init__(self, page: Any, is_swapped: bool) -> None:
        self.page = page
        self.swap = ' hx-swap-oob="outerHTML"' if is_swapped else ""
        self.save_url = reverse("day-sheet-row")
        self.guidances = page.guidances
        self.words = {
            "no payer": f'<span class="missing">{escape(_("no payer"))}</span>',
            "why missed": escape(_("Why missed")),
            "from log": escape(_("From the treatment log")),
            "inside": escape(_("from the treatment log")),
            "why": escape(_("Why")),
            "no line": f'<span class="text-soft">{escape(_("No charge line"))}</span>',
            "save": escape(_("Save")),
            "again": escape(_("Try again")),
        }
        self.icon, self.pill = Once(icon), Once(state_pill)

    def row(self, view: Any) -> str:
        pk, patient = view.pk, escape(view.patient)
        head = HEAD.format(
            pk=pk,
            classes=view.classes,
            expected=view.row.expected,
            swap=self.swap,
            number=view.number,
            patient=f'<a href="{view.course_url}">{patient}</a>' if view.course_url else patient,
            site=escape(view.site),
            fraction=escape(view.fraction) or "–",
            payer=escape(view.payer) or self.words["no payer"],
        )
        fields = self._fields(view) if view.shown else self._recorded(view)
        lines = "".join(self._line(line) for line in view.lines)
        if not lines and view.row.is_entered:
            lines = self.words["no line"]
        know = self._know(view, patient)
        return f'{head}{fields}<td class="cell-lines">{lines}</td><td class="cell-know">{know}</td></tr>'

    def _fields(self, view: Any) -> str:
        pk, shown = view.pk, view.shown
        wrong = dict.fromkeys(view.wrong, ' aria-invalid="true"')
        why = ""
        if not view.row.sessions:
            why = WHY_MISSED.format(
                pk=pk,
                value=escape(shown["missed_reason"]),
                label=self.words["why missed"],
                is_wrong=wrong.get("missed_reason", ""),
            )
        logged = ""
        if view.log_words:
            logged = FROM_LOG.format(
                label=self.words["from log"],
                words=escape(view.log_words),
                icon=self.icon["check-circle"],
                inside=self.words["inside"],
            )

        def clock(letter: str, name: str, after: str = "") -> str:
            value = escape(shown[name])
            return CLOCK.format(pk=pk, letter=letter, name=name, value=value, is_wrong=wrong.get(name, ""), after=after)

        outcome = OUTCOME.format(
            pk=pk,
            outcome=view.row.outcome or "open",
            mark=escape(shown["mark"]),
            icon=self.icon[view.icon],
            is_wrong=wrong.get("outcome", ""),
            options=options(view.outcomes, shown["outcome"]),
            why=why,
        )
        motion = CHOICE.format(pk=pk, letter="x", name="motion", options=options(view.motions, shown["motion"]))
        guidance = CHOICE.format(pk=pk, letter="g", name="guidance", options=options(self.guidances, shown["guidance"]))
        starts = clock("s", "start", logged) + clock("t", "second_start")
        return f"{outcome}{starts}{motion}{guidance}{clock('r', 'review')}"

    def _recorded(self, view: Any) -> str:
        return RECORDED.format(
            outcome=view.row.outcome or "open",
            icon=self.icon[view.icon],
            words=escape(view.outcome),
            recorded=escape(view.recorded) or "–",
        )

    def _line(self, line: Any) -> str:
        return LINE.format(
            state=line.state,
            url=line.why_url,
            why=self.words["why"],
            code=line.code,
            modifiers="".join(f'<span class="modifier">{escape(modifier)}</span>' for modifier in line.modifiers),
            pill=self.pill[line.state],
        )

    def _know(self, view: Any, patient: str) -> str:
        parts = []
        if view.errors:
            errors = "".join(f"<li>{escape(error)}</li>" for error in view.errors)
            parts.append(f'<ul class="row-errors">{errors}</ul>')
        if view.conflict:
            parts.append(render_to_string("portal/_day_sheet_conflict.html", {"conflict": view.conflict}))
        sign = self.icon["exclamation-triangle-fill"]
        parts += [f'<span class="row-warning">{sign} {escape(sentence)}</span>' for sentence in view.warnings]
        parts += [f'<span class="row-note">{escape(sentence)}</span>' for sentence in view.notes]
        parts += [LINK.format(url=link.url, label=escape(link.label), patient=patient) for link in view.links]
        if view.shown and self.page.may_enter:
            verb = self.words["again" if view.errors else "save"]
            parts.append(SAVE.format(pk=view.pk, url=self.save_url, verb=verb, patient=patient))
        return " ".join(parts)


class Once(dict):
    """What a function gives for a key, asked once for each."""

    def __init__(self, make: Callable[[str], str]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, key: str) -> str:
        found = self[key] = self.make(key)
        return found
