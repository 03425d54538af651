"""Free text in Markdown: what people may write, and what a hostile hand cannot."""

import re

import pytest

from payers.markdown import as_html, as_text


def test_as_html_keeps_headings_lists_and_emphasis():
    html = as_html("# Filing\n\n- by **mail**\n- by *portal*\n")

    assert "<h3>Filing</h3>" in html
    assert "<li>by <strong>mail</strong></li>" in html


def test_as_html_keeps_headings_below_those_of_the_page():
    assert as_html("###### Deep") == "<h6>Deep</h6>\n"


def test_as_html_keeps_a_table_without_its_styles():
    html = as_html("| Code | Units |\n| --- | ---: |\n| 77386 | 1 |\n")

    assert "<td>77386</td><td>1</td>" in html.replace("\n", "")
    assert "style" not in html


def test_as_html_opens_no_door_from_a_link():
    html = as_html("[manual](https://example.org/manual)")

    assert html == '<p><a href="https://example.org/manual" rel="noopener noreferrer">manual</a></p>\n'


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<iframe src='https://example.org'></iframe>",
        "<a href='javascript:alert(1)'>x</a>",
        "<style>body{display:none}</style>",
        "<p onclick=alert(1)>x</p>",
        "<form action='https://example.org'><input name=a></form>",
        "![x](https://example.org/pixel.png)",
        "![x](javascript:alert(1))",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](vbscript:msgbox(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](http://example.org/plain)",
        "[x](//example.org/protocol-relative)",
        "[x](/policies/)",
        "[x](mailto:someone@example.org)",
        "<javascript:alert(1)>",
        '[x](https://example.org "onmouseover=alert(1)")',
        "[x]: javascript:alert(1)\n\n[x]",
        "```<script>\nalert(1)\n```",
        '`"><script>alert(1)</script>`',
        "| <script>alert(1)</script> |\n| --- |\n| <img src=x onerror=alert(1)> |",
        "# <svg onload=alert(1)>",
        "<!-- --><script>alert(1)</script>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "\x00<script>alert(1)</script>",
    ],
)
def test_as_html_disarms_hostile_text(hostile):
    html = as_html(hostile)

    tags = {tag.lower() for tag in re.findall(r"<\s*/?\s*([a-zA-Z0-9!-]+)", html)}
    attributes = set(re.findall(r"<[^>]*?\s([a-z-]+)=", html))
    addresses = re.findall(r'href="([^"]*)"', html)
    assert tags <= {"p", "a", "h3", "pre", "code", "table", "thead", "tbody", "tr", "th", "td"}
    assert attributes <= {"href", "rel"}
    assert [address for address in addresses if not address.startswith("https://example.org")] == []


def test_as_text_keeps_the_words_and_leaves_the_signs():
    prose = "# Filing\n\nBy **mail**, see [manual](https://example.org/m).\n\n- `77386`\n- twice\n\n"
    table = "| A | B |\n| --- | --- |\n| 1 | 2 |\n"

    assert as_text(prose + table).split("\n") == [
        "Filing",
        "By mail, see manual (https://example.org/m).",
        "• 77386",
        "• twice",
        "A | B",
        "1 | 2",
    ]
