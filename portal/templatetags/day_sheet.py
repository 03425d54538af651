"""The rows of a day sheet as HTML.

A sheet has up to sixty rows of some forty values each. A template takes ten times as long for them, so they are put
together here, from pieces in the order in which they stand.
"""

from functools import cache
from html import escape
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from portal.templatetags.frame import icon, options, state_pill

register = template.Library()


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
        self.pill = cache(state_pill)

    def row(self, view: Any) -> str:
        pk, patient = view.pk, escape(view.patient)
        opened = f'<a href="{view.course_url}">{patient}</a>' if view.course_url else patient
        payer = escape(view.payer) or self.words["no payer"]
        fields = self._fields(view) if view.shown else self._recorded(view)
        lines = "".join([self._line(line) for line in view.lines])
        if not lines and view.row.is_entered:
            lines = self.words["no line"]
        return (
            f'<tr id="row-{pk}" class="{view.classes}" data-row="{pk}" data-expected="{view.row.expected}"{self.swap}>'
            f'<td class="num">{view.number}</td>'
            f'<th scope="row" id="p{pk}">{opened} '
            f'<div class="row-course">{escape(view.site)} <b>{escape(view.fraction) or "–"}</b></div></th>'
            f"<td>{payer}</td>{fields}"
            f'<td class="cell-lines">{lines}</td><td class="cell-know">{self._know(view, patient)}</td></tr>'
        )

    def _fields(self, view: Any) -> str:
        pk, shown = view.pk, view.shown
        wrong = dict.fromkeys(view.wrong, ' aria-invalid="true"')

        def clock(letter: str, name: str, after: str = "") -> str:
            return (
                f'<td class="cell-clock"><input id="{letter}{pk}" name="row-{pk}-{name}" value="{escape(shown[name])}" '
                f'aria-labelledby="h-{letter} p{pk}"{wrong.get(name, "")}>{after}</td>'
            )

        def choice(letter: str, name: str, choices: tuple[tuple[str, str], ...]) -> str:
            return (
                f'<td><select id="{letter}{pk}" name="row-{pk}-{name}" '
                f'aria-labelledby="h-{letter} p{pk}">{options(choices, shown[name])}</select></td>'
            )

        return (
            f'<td class="cell-outcome outcome-{view.row.outcome or "open"}">'
            f'<input type="hidden" name="row-{pk}-mark" value="{escape(shown["mark"])}">{icon(view.icon)} '
            f'<select id="o{pk}" name="row-{pk}-outcome" aria-labelledby="h-o p{pk}"{wrong.get("outcome", "")}>'
            f"{options(view.outcomes, shown['outcome'])}</select>"
            f"{'' if view.row.sessions else self._why_missed(view, wrong)}</td>"
            f"{clock('s', 'start', self._from_log(view))}{clock('t', 'second_start')}"
            f"{choice('x', 'motion', view.motions)}{choice('g', 'guidance', self.guidances)}{clock('r', 'review')}"
        )

    def _why_missed(self, view: Any, wrong: dict[str, str]) -> str:
        pk, value = view.pk, escape(view.shown["missed_reason"])
        return (
            f'<input class="if-missed" id="w{pk}" name="row-{pk}-missed_reason" value="{value}" '
            f'placeholder="{self.words["why missed"]}" aria-labelledby="h-w p{pk}" list="missed-reasons" '
            f'maxlength="200"{wrong.get("missed_reason", "")}>'
        )

    def _from_log(self, view: Any) -> str:
        if not view.log_words:
            return ""
        return (
            f'<span class="from-log" title="{self.words["from log"]}: {escape(view.log_words)}">'
            f'{icon("check-circle")}<span class="visually-hidden">{self.words["inside"]}</span></span>'
        )

    def _recorded(self, view: Any) -> str:
        return (
            f'<td class="cell-outcome outcome-{view.row.outcome or "open"}">{icon(view.icon)} '
            f'{escape(view.outcome)}</td><td colspan="5">{escape(view.recorded) or "–"}</td>'
        )

    def _line(self, line: Any) -> str:
        modifiers = "".join([f'<span class="modifier">{escape(modifier)}</span>' for modifier in line.modifiers])
        return (
            f'<a class="sheet-line line-{line.state}" href="{line.why_url}" hx-get="{line.why_url}" hx-params="none">'
            f'<span class="visually-hidden">{self.words["why"]} </span><span class="code">{escape(line.code)}</span>'
            f"{modifiers}</a>{self.pill(line.state)} "
        )

    def _know(self, view: Any, patient: str) -> str:
        parts = []
        if view.errors:
            errors = "".join(f"<li>{escape(error)}</li>" for error in view.errors)
            parts.append(f'<ul class="row-errors">{errors}</ul>')
        if view.conflict:
            parts.append(render_to_string("portal/_day_sheet_conflict.html", {"conflict": view.conflict}))
        sign = icon("exclamation-triangle-fill")
        parts += [f'<span class="row-warning">{sign} {escape(sentence)}</span>' for sentence in view.warnings]
        parts += [f'<span class="row-note">{escape(sentence)}</span>' for sentence in view.notes]
        parts += [
            f'<a class="row-link" href="{link.url}">{escape(link.label)}'
            f'<span class="visually-hidden">, {patient}</span></a>'
            for link in view.links
        ]
        if view.shown and self.page.may_enter:
            verb = self.words["again" if view.errors else "save"]
            parts.append(
                f'<button class="btn btn-secondary btn-sm row-save no-print" name="row" value="{view.pk}" '
                f'formaction="{self.save_url}">{verb} <span class="visually-hidden">{patient}</span></button>'
            )
        return " ".join(parts)
