"""Form fields as HTML, put together without a template: lists of filters have hundreds of options on every page."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

SELECT = "django/forms/widgets/select.html"
# Django's templates of these say no more than that of an input.
INPUTS = {f"django/forms/widgets/{kind}.html" for kind in ("input", "text", "number", "date", "time", "hidden")}
# One box of a group of them: an input too, where the page writes its label.
BOXES = {f"django/forms/widgets/{kind}_option.html" for kind in ("checkbox", "radio")}


class PlainFields(DjangoTemplates):
    """The same HTML as Django's own templates give, sooner, for selects and inputs; the rest is left to them."""

    def render(self, template_name: str, context: Mapping[str, Any], request: HttpRequest | None = None) -> str:
        if template_name == SELECT:
            return _select(context["widget"])
        if template_name in INPUTS or (template_name in BOXES and not context["widget"]["wrap_label"]):
            return _input(context["widget"])
        return super().render(template_name, context, request)


def _input(widget: Mapping[str, Any]) -> SafeString:
    value = "" if widget["value"] is None else f' value="{conditional_escape(str(widget["value"]))}"'
    name = conditional_escape(widget["name"])
    return mark_safe(f'<input type="{widget["type"]}" name="{name}"{value}{_attributes(widget["attrs"])}>')


def _select(widget: Mapping[str, Any]) -> SafeString:
    groups = "".join(_group(name, options) for name, options, _place in widget["optgroups"])
    name = conditional_escape(widget["name"])
    return mark_safe(f'<select name="{name}"{_attributes(widget["attrs"])}>{groups}\n</select>')


def _group(name: str | None, options: Iterable[Mapping[str, Any]]) -> str:
    shown = "".join(
        f'\n<option value="{conditional_escape(str(one["value"]))}"{_attributes(one["attrs"])}>'
        f"{conditional_escape(one['label'])}</option>"
        for one in options
    )
    return f'\n<optgroup label="{conditional_escape(name)}">{shown}\n</optgroup>' if name else shown


def _attributes(attributes: Mapping[str, Any]) -> str:
    return "".join(
        f" {name}" if value is True else f' {name}="{conditional_escape(str(value))}"'
        for name, value in attributes.items()
        if value is not False
    )
