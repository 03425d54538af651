"""Small words of the templates: icons, states, money and days. No rule lives here."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

STATES = {
    "draft": ("Draft", "pencil"),
    "held": ("Held", "pause-circle-fill"),
    "ready": ("Ready", "check-circle-fill"),
    "exported": ("Exported", "lock-fill"),
    "void": ("Void", "slash-circle"),
    "error": ("Error", "exclamation-octagon-fill"),
    "planned": ("Planned", "circle"),
    "missed": ("Missed", "dash-circle"),
}
SEVERITIES = {
    "error": ("Error", "exclamation-octagon-fill"),
    "hold": ("Hold", "pause-circle-fill"),
    "note": ("Note", "info-circle-fill"),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite; it says nothing to assistive technology, the word beside it does."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("vendor/icons/bootstrap-icons.svg"),
        name,
    )


@register.simple_tag
def state_pill(state: str) -> SafeString:
    """The state of a line as word, icon and colour."""
    word, name = STATES.get(state, (str(state).capitalize(), "circle"))
    return format_html('<span class="state state-{}">{} {}</span>', state, icon(name), word)


@register.simple_tag
def severity_icon(severity: str) -> SafeString:
    """The severity of a finding as icon and word."""
    word, name = SEVERITIES.get(severity, ("Note", "info-circle-fill"))
    return format_html('<span class="nowrap">{} {}</span>', icon(name), word)


@register.filter
def money(amount: Decimal | None) -> SafeString | str:
    """Dollars and cents; a missing amount is shown as missing, never as zero."""
    if amount is None:
        return format_html('<span class="missing" title="{}">{}</span>', "No price or rate is loaded", "missing")
    return f"${amount:,.2f}"


@register.filter
def day(value: date | datetime | str | None) -> str:
    """A day as 12/30/2025; text in ISO form is read first."""
    if not value:
        return "—"
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    return f"{value:%m/%d/%Y}"


@register.filter
def item(mapping: dict[Any, Any], key: Any) -> Any:
    """The value under a key, for rows whose columns a presenter names."""
    return mapping.get(key)
