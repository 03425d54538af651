"""The rows of reports as HTML: a hundred rows of ten cells, for which a template takes ten times as long."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from portal.templatetags.frame import money

register = template.Library()


@register.simple_tag
def table_rows(rows: Iterable[Sequence[Any]], words: int) -> SafeString:
    """Rows of `coding.presenters.report_shapes.Cell`, of which the first `words` are text and the others numbers.

    Each linked number opens into exactly its rows.
    """
    not_known = escape(_("not known yet"))
    return mark_safe("".join(f"<tr>{_cells(row, words, not_known)}</tr>" for row in rows))


def _cells(row: Sequence[Any], words: int, not_known: str) -> str:
    head, *others = row
    return f'<th scope="row">{escape(head.text)}</th>' + "".join(
        f'<td class="{"num" if place > words else ""} not-known">{not_known}</td>'
        if cell.value is None
        else f'<td class="{"num" if place > words else ""}">{_opened(escape(cell.text), cell.url)}</td>'
        for place, cell in enumerate(others, start=2)
    )


@register.simple_tag
def charge_rows(rows: Iterable[Any]) -> SafeString:
    """Rows of `coding.presenters.charge_report.RowView`, each with what it is grouped by and its numbers."""
    in_words = _lines_in_words()
    return mark_safe("".join(f"<tr>{_keys(row.keys)}{_numbers(row, in_words)}</tr>" for row in rows))


@register.simple_tag
def charge_numbers(row: Any) -> SafeString:
    """The numbers of one row. Each count opens into exactly its lines; what it counts is said to who does not see."""
    return mark_safe(_numbers(row, _lines_in_words()))


def _lines_in_words() -> tuple[str, str, str]:
    told = _("lines"), _("lines without a charge amount"), _("lines without an expected amount")
    of_lines, without_charge, without_expected = (
        f'<span class="visually-hidden"> {escape(one)}</span>' for one in told
    )
    return of_lines, without_charge, without_expected


def _keys(keys: Sequence[str]) -> str:
    first, *others = (escape(key) for key in keys)
    return f'<th class="nowrap" scope="row">{first}</th>' + "".join(f'<td class="nowrap">{key}</td>' for key in others)


def _numbers(row: Any, in_words: tuple[str, str, str]) -> str:
    of_lines, without_charge, without_expected = in_words
    cells = (
        _opened(row.lines.text, row.lines.url, of_lines),
        f"{row.units:,}",
        money(row.charged),
        _opened(row.without_charge.text, row.without_charge.url, without_charge),
        money(row.expected),
        _opened(row.without_expected.text, row.without_expected.url, without_expected),
    )
    return "".join(f'<td class="num">{cell}</td>' for cell in cells)


def _opened(text: str, url: str, in_words: str = "") -> str:
    return f'<a href="{escape(url)}">{text}{in_words}</a>' if url else text
