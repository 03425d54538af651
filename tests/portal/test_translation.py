"""English sentences of templates are marked for translation: none stands bare between or within the tags."""

import re

import pytest
from django.conf import settings

FOLDER = settings.BASE_DIR / "templates"
TEMPLATES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))
# What is the same in every language: our name, keys of a keyboard, codes, names of files, abbreviations, a unit.
SAME_IN_ALL = re.compile(
    r"<(kbd|code|script|style)\b.*?</\1>|<title>|Beamledger|\b[A-Z][A-Z0-9_]+\b|\bcGy\b", flags=re.DOTALL
)
MARKED = re.compile(
    r"{% *comment\b.*?{% *endcomment *%}|{#.*?#}|<!--.*?-->|{% *blocktranslate\b.*?{% *endblocktranslate *%}",
    flags=re.DOTALL,
)
# Attributes that a person reads or hears.
READ_ALOUD = re.compile(
    r'\s(?:aria-label|placeholder|title|alt|data-[a-z-]*(?:words|text|confirm))="([^"]*[A-Za-z][^"]*)"'
)
TAG = re.compile(r"<[a-zA-Z/!](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", flags=re.DOTALL)
WORD = re.compile(r"[A-Za-z]{2,}")


def bare_words(source: str) -> list[str]:
    """The words of a template that a translation would leave in English."""
    text = SAME_IN_ALL.sub(" ", MARKED.sub(" ", source))
    text = re.sub(r"&\w+;", " ", re.sub(r"{%.*?%}|{{.*?}}", "\0", text, flags=re.DOTALL))
    between = TAG.sub("\n", text).split("\n")
    within = READ_ALOUD.findall(text)
    return [" ".join(found.replace("\0", " ").split()) for found in [*between, *within] if WORD.search(found)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Held</p>", ["Held"]),
        ('<p>{% translate "Held" %}</p>', []),
        ("<p>{% blocktranslate %}Held by {{ who }}{% endblocktranslate %}</p>", []),
        ('<a aria-label="Why this line">{{ line }}</a>', ["Why this line"]),
        ('<a class="btn {% if x %}on{% endif %}" href="{% url \'home\' %}">{{ line }}</a>', []),
        ("<dt>{{ day }} to {{ day }}</dt>", ["to"]),
        ("<p><kbd>Enter</kbd></p>{# a word of ours #}", []),
    ],
)
def test_bare_words_are_those_that_are_not_marked(source, found):
    assert bare_words(source) == found


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_has_no_bare_words(template):
    assert bare_words((FOLDER / template).read_text()) == []
