"""Small words of the templates: icons, states, money and days. No rule lives here."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from coding.engine.periods import published_in_words
from portal.models.choices import Technique

register = template.Library()

STATES = {
    "draft": (_("Draft"), "pencil"),
    "held": (_("Held"), "pause-circle-fill"),
    "ready": (_("Ready"), "check-circle-fill"),
    "exported": (_("Exported"), "lock-fill"),
    "void": (_("Void"), "slash-circle"),
    "error": (_("Error"), "exclamation-octagon-fill"),
    "planned": (_("Planned"), "circle"),
    "missed": (_("Missed"), "dash-circle"),
}
SEVERITIES = {
    "error": (_("Error"), "exclamation-octagon-fill"),
    "hold": (_("Hold"), "pause-circle-fill"),
    "note": (_("Note"), "info-circle-fill"),
}
MESSAGE_ICONS = {
    "success": "check-circle-fill",
    "warning": "exclamation-triangle-fill",
    "error": "exclamation-octagon-fill",
}


@register.simple_tag
@lru_cache(maxsize=200)
def icon(name: str) -> SafeString:
    """An icon of the sprite; it says nothing to assistive technology, the word beside it does."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("vendor/icons/bootstrap-icons.svg"),
        name,
    )


@register.simple_tag
def state_pill(state: str) -> SafeString:
    """The state of a line as word, icon and colour."""
    word, name = STATES.get(state, (str(state).capitalize(), "circle"))
    return format_html('<span class="state state-{}">{} {}</span>', state, icon(name), word)


@register.simple_tag
def message_icon(level: str) -> SafeString:
    """The icon of a message by its level; the message itself says in words what happened."""
    return icon(MESSAGE_ICONS.get(level, "info-circle-fill"))


@register.simple_tag
def severity_icon(severity: str) -> SafeString:
    """The severity of a finding as icon and word."""
    word, name = SEVERITIES.get(severity, (_("Note"), "info-circle-fill"))
    return format_html('<span class="nowrap">{} {}</span>', icon(name), word)


@register.simple_tag
@lru_cache(maxsize=500)
def options(choices: tuple[tuple[str, str], ...], chosen: str) -> SafeString:
    """The options of a select. A sheet has hundreds of selects that are all alike, so each is made once."""
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, mark_safe(" selected") if value == chosen else "", label) for value, label in choices),
    )


@register.simple_tag
def chart_rows(bars: Iterable[Any]) -> SafeString:
    """The bars of a chart, each between its label and its value."""
    return format_html_join(
        "\n",
        '<div class="chart-row"><span class="chart-label">{}</span>'
        '<svg class="chart-bar" viewBox="0 0 500 16" preserveAspectRatio="none">'
        '<rect class="bar{}" width="{}" height="16" /></svg>'
        '<span class="chart-value">{}</span></div>',
        ((bar.label, f" bar-{bar.kind}" if bar.kind else "", bar.width, bar.value_text) for bar in bars),
    )


@register.filter
def fact_in_words(value: str) -> str:
    """A fact of a step as people say it: a technique by its name, all others as they were kept."""
    return str(Technique(value).label) if value in Technique.values else value


@register.filter
def money(amount: Decimal | None) -> SafeString | str:
    """Dollars and cents; a missing amount is shown as missing, never as zero."""
    if amount is None:
        return format_html(
            '<span class="missing" title="{}">{}</span>', gettext("No price or rate is loaded"), gettext("missing")
        )
    sign = "−" if amount < 0 else ""
    return f"{sign}${abs(amount):,.2f}"


@register.filter
def day(value: date | datetime | str | None) -> str:
    """A day as 12/30/2025; text in ISO form is read first."""
    if not value:
        return "—"
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    return f"{value:%m/%d/%Y}"


register.filter("published", published_in_words)


@register.inclusion_tag("_components/breadcrumbs.html")
def breadcrumbs(*labels_and_addresses: str) -> dict[str, Any]:
    """The way to a page that knows it in its template: label, address, label, address."""
    return {"crumbs": list(zip(labels_and_addresses[::2], labels_and_addresses[1::2], strict=True))}


@register.filter
def item(mapping: dict[Any, Any], key: Any) -> Any:
    """The value under a key, for rows whose columns a presenter names."""
    return mapping.get(key)


@register.simple_tag
def problems(form: Any, formsets: Any = None) -> list[dict[str, str]]:
    """What is wrong with a form and the formsets below it, sentence by sentence, each with the field to go to."""
    found = _problems_of(form)
    for title, formset in formsets or ():
        found += [{"field_id": "", "text": f"{title}: {error}"} for error in formset.non_form_errors()]
        for number, row in enumerate(formset.forms, start=1):
            found += _problems_of(
                row, place=gettext("%(title)s, row %(number)d: ") % {"title": title, "number": number}
            )
    return found


def _problems_of(form: Any, place: str = "") -> list[dict[str, str]]:
    if not form:
        return []
    found = [{"field_id": "", "text": f"{place}{error}"} for error in form.non_field_errors()]
    for field in form:
        field_id = _reachable_id(field)
        found += [{"field_id": field_id, "text": f"{place}{field.label}: {error}"} for error in field.errors]
    return found


def _reachable_id(field: Any) -> str:
    """A group of boxes has no id of its own, so its first box is where a link can lead."""
    return field.id_for_label or next((box.id_for_label for box in field.subwidgets), "")
