"""The words that templates have, the icons they may name, and how a form's problems are listed."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django import forms
from django.conf import settings
from django.template import Context, Template
from django.template.loader import render_to_string

from coding.models import LineState
from portal.context import NAVIGATION
from portal.templatetags.frame import MESSAGE_ICONS, SEVERITIES, STATES, day, fact_in_words, money, problems

SPRITE = settings.BASE_DIR / "static" / "vendor" / "icons" / "bootstrap-icons.svg"
CITATION = {
    "title": "A manual",
    "url": "https://example.org/manual",
    "published": "2025-01-01",
    "section": "4.1",
    "reviewed_on": date(2026, 11, 2),
}


class StayForm(forms.Form):
    """A field of each kind that the summary must be able to lead to."""

    name = forms.CharField()
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)

    def clean(self):
        raise forms.ValidationError("These two do not agree.")


StayFormSet = forms.formset_factory(StayForm, extra=0)


def rendered(source, **context):
    return Template("{% load frame %}" + source).render(Context(context))


def names_in_sprite():
    return set(re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text()))


def names_in_sources():
    """Icons named by templates, by the lists of the frame, and in Python by an argument `icon`."""
    templates = "".join(path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html"))
    named = set(re.findall(r'{% icon "([^"]+)"', templates))
    for app in ("portal", "payers", "coding"):
        sources = "".join(path.read_text() for path in (settings.BASE_DIR / app).rglob("*.py"))
        named |= set(re.findall(r'\bicon="([^"]+)"', sources))
    named |= {place.icon for _, group in NAVIGATION for place in group}
    return named | {name for _, name in (*STATES.values(), *SEVERITIES.values())} | set(MESSAGE_ICONS.values())


# Money and days


def test_every_time_in_a_template_is_told_on_the_clock_of_a_place_and_names_it():
    templates = "".join(path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html"))
    told = re.findall(r"([^ {=]+)\|date:[\"']([^\"']*[gGhH]:i[^\"']*)", templates)

    assert told
    assert [value for value, form in told if "|timezone:" not in value or not form.endswith(" T")] == []


def test_money_of_none_is_missing_and_never_zero():
    shown = money(None)

    assert "missing" in shown
    assert "0" not in shown
    assert "No price or rate is loaded" in shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Decimal("0"), "$0.00"),
        (Decimal("1290.5"), "$1,290.50"),
        (Decimal("61204"), "$61,204.00"),
        (Decimal("-120"), "−$120.00"),
    ],
)
def test_money_has_cents_commas_and_a_true_minus(amount, shown):
    assert money(amount) == shown


@pytest.mark.parametrize("value", [date(2025, 12, 30), datetime(2025, 12, 30, 12, tzinfo=UTC), "2025-12-30"])
def test_day_is_month_day_year(value):
    assert day(value) == "12/30/2025"


def test_day_of_none_is_a_dash():
    assert day(None) == "—"


# States, severities, icons


@pytest.mark.parametrize(
    ("state", "word"),
    [("draft", "Draft"), ("held", "Held"), ("ready", "Ready"), ("exported", "Exported"), ("void", "Void")],
)
def test_state_pill_says_the_state_in_a_word_with_an_icon(state, word):
    shown = rendered("{% state_pill state %}", state=state)

    assert word in shown
    assert f"state-{state}" in shown
    assert "<svg" in shown


def test_state_pill_knows_every_state_of_a_line():
    assert set(LineState.values) <= set(STATES)


@pytest.mark.parametrize(("severity", "word"), [("error", "Error"), ("hold", "Hold"), ("note", "Note")])
def test_severity_icon_says_the_severity_in_a_word(severity, word):
    assert word in rendered("{% severity_icon severity %}", severity=severity)


def test_icon_is_silent_to_assistive_technology():
    shown = rendered('{% icon "house" %}')

    assert 'aria-hidden="true"' in shown
    assert "bootstrap-icons.svg#house" in shown


def test_icons_that_pages_name_are_all_in_the_sprite():
    assert names_in_sources() - names_in_sprite() == set()


# Problems of forms


def test_problems_of_a_valid_or_absent_form_are_none():
    assert problems(None) == []
    assert problems("") == []
    assert problems(StayForm()) == []


def test_problems_lead_to_the_field_or_to_the_first_box_of_a_group():
    found = problems(StayForm({}))

    assert found == [
        {"field_id": "", "text": "These two do not agree."},
        {"field_id": "id_name", "text": "Name: This field is required."},
        {"field_id": "id_kind_0", "text": "Kind: This field is required."},
    ]


def test_problems_of_a_formset_name_its_title_and_row():
    rows = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0", "form-0-name": "", "form-0-kind": "a"}

    found = problems(None, [("Setting by date", StayFormSet(rows))])

    assert found == [
        {"field_id": "", "text": "Setting by date, row 1: These two do not agree."},
        {"field_id": "id_form-0-name", "text": "Setting by date, row 1: Name: This field is required."},
    ]


def test_form_says_what_is_wrong_as_a_whole_once(rf):
    shown = render_to_string("_components/form.html", {"form": StayForm({})}, request=rf.get("/"))

    assert shown.count("These two do not agree.") == 1
    assert "There is a problem" in shown


# Parts


def test_line_shows_revenue_code_on_an_institutional_claim():
    line = {"code": "77386", "modifiers": ["76", "PO"], "units": 1, "revenue_code": "0333", "state": "ready"}

    shown = " ".join(render_to_string("_components/line.html", {"line": line}).split())

    assert "77386" in shown
    assert "1 unit<" in shown
    assert "rev 0333" in shown
    assert "POS" not in shown


def test_line_shows_place_of_service_on_a_professional_claim():
    line = {"code": "77387", "modifiers": ["26"], "units": 2, "place_of_service": "19", "state": "held"}

    shown = " ".join(render_to_string("_components/line.html", {"line": line}).split())

    assert "2 units<" in shown
    assert "POS 19" in shown


def test_citation_opens_its_source_without_a_way_back_to_us():
    shown = render_to_string("_components/citation.html", {"citation": CITATION})

    assert 'rel="noopener noreferrer"' in shown
    assert "(opens in a new tab)" in shown
    assert "compared on 11/02/2026" in shown
    assert "· 01/01/2025" in shown


def test_citation_without_address_is_plain_text():
    shown = render_to_string("_components/citation.html", {"citation": CITATION | {"url": ""}})

    assert "A manual" in shown
    assert "<a" not in shown


@pytest.mark.parametrize("code", ["400", "403", "404", "500"])
def test_error_page_stands_alone_and_leads_home(code):
    shown = render_to_string(f"{code}.html")

    assert 'href="/"' in shown
    assert "Traceback" not in shown
    assert "<style" not in shown


def test_breadcrumbs_show_each_label_with_its_address():
    shown = " ".join(rendered('{% breadcrumbs "Codes" "/codes/" "77386" "/codes/77386/" %}').split())

    assert '<a href="/codes/">Codes</a>' in shown
    assert '<a href="/codes/77386/">77386</a>' in shown
    assert 'aria-label="Breadcrumbs"' in shown


@pytest.mark.parametrize(
    ("kept", "said"), [("imrt_complex", "IMRT, complex"), ("freestanding center", "freestanding center")]
)
def test_fact_in_words_names_a_technique_and_leaves_the_others(kept, said):
    assert fact_in_words(kept) == said
