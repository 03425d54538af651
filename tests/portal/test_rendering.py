"""Form fields put together without a template: the same HTML as Django's own templates give."""

from datetime import date

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.test.html import parse_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from portal.forms.rendering import PlainFields

CHOICES = [("", gettext_lazy("All")), (1, "A & B"), ("<2>", mark_safe("<b>bold</b>")), (True, "Yes")]
GROUPS = [("Holds & errors", [("a", "A"), ("b", "B")]), ("c", "C")]


@pytest.mark.parametrize(
    ("widget", "value"),
    [
        (forms.Select(choices=CHOICES), None),
        (forms.Select(choices=CHOICES), 1),
        (forms.Select(choices=CHOICES), "<2>"),
        (forms.Select(choices=GROUPS, attrs={"class": "form-select", "required": True, "disabled": False}), "b"),
        (forms.Select(choices=[]), ""),
        (forms.SelectMultiple(choices=GROUPS), ["a", "c"]),
        (forms.TextInput(attrs={"data-x": 'say "it"', "aria-describedby": mark_safe("a b")}), "O'Neil & <Sons>"),
        (forms.TextInput(), None),
        (forms.NumberInput(attrs={"min": 0}), 1234567),
        (forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "max": date(2099, 12, 31)}), date(2026, 1, 2)),
        (forms.TimeInput(), "09:30"),
        (forms.HiddenInput(), "x"),
        (forms.CheckboxInput(), True),
        (forms.Textarea(), "<x>"),
        (forms.CheckboxSelectMultiple(choices=CHOICES), ["1"]),
    ],
)
def test_field_is_what_the_templates_of_django_give(widget, value):
    ours = widget.render("field", value, renderer=PlainFields())

    assert parse_html(ours) == parse_html(widget.render("field", value, renderer=DjangoTemplates()))


class Boxes(forms.Form):
    either = forms.MultipleChoiceField(choices=GROUPS[1:], widget=forms.CheckboxSelectMultiple)
    one = forms.ChoiceField(choices=CHOICES, widget=forms.RadioSelect(attrs={"class": "form-check-input"}))


@pytest.mark.parametrize("name", ["either", "one"])
def test_box_without_its_label_is_what_the_templates_of_django_give(name):
    ours, theirs = (
        [box.tag() for box in Boxes({"one": "1"}, renderer=of)[name]] for of in (PlainFields(), DjangoTemplates())
    )

    assert [parse_html(box) for box in ours] == [parse_html(box) for box in theirs]


def test_every_form_is_put_together_so():
    assert isinstance(forms.Form().renderer, PlainFields)
