"""The filters of a list as HTML: most lists have some twenty, for each of which a template asks Django ten times."""

from collections.abc import Iterable
from html import escape

from django import template
from django.forms import BoundField
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def filter_fields(fields: Iterable[BoundField]) -> SafeString:
    """Filters of a list, each with its error beside it."""
    return mark_safe("".join(map(_field, fields)))


def _field(bound: BoundField) -> str:
    label = f'<label for="{bound.id_for_label}">{conditional_escape(bound.label)}</label>'
    errors = "".join(
        f'<p class="invalid-feedback d-block mb-0" id="{bound.auto_id}_error">{escape(error)}</p>'
        for error in bound.errors
    )
    return f'<div class="field">{label} {_widget(bound)}{errors}</div>'


def _widget(bound: BoundField) -> str:
    """The widget as Django gives it; of one that need not be filled in Django would ask all its choices why not."""
    if bound.errors or bound.field.required or bound.field.help_text or bound.field.disabled:
        return str(bound)
    return bound.field.widget.render(
        name=bound.html_name, value=bound.value(), attrs={"id": bound.auto_id}, renderer=bound.form.renderer
    )
