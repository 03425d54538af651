"""Free text that people write in Markdown, made into HTML that can do no harm, and into plain words."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

# The page has its own title and section heads: what people write begins below them.
HIGHEST_HEADING = 3
TAGS = {
    *("p", "br", "hr", "strong", "em", "code", "pre", "blockquote"),
    *("h3", "h4", "h5", "h6", "ul", "ol", "li", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_reader = MarkdownIt("commonmark", {"html": False}).enable("table")


def as_html(text: str) -> SafeString:
    """The text as HTML: headings from the third level down, lists, tables, and links over https alone.

    HTML in the text is shown as it was typed; images, styles and every other address go.
    """
    tokens = _reader.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + HIGHEST_HEADING - 1, 6)}"
    html = _reader.renderer.render(tokens, _reader.options, {})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        attribute_filter=_only_https,
        url_schemes={"https"},
        link_rel="noopener noreferrer",
    )
    return mark_safe(clean)


def as_text(text: str) -> str:
    """The same as plain words, a line for each paragraph, heading, item and row of a table; a link's address follows
    its words.
    """
    lines: list[str] = []
    prefix, cells, is_row = "", [], False
    for token in _reader.parse(text):
        if token.type == "list_item_open":
            prefix = "• "
        elif token.type == "tr_open":
            cells, is_row = [], True
        elif token.type == "tr_close":
            lines.append(" | ".join(cells))
            is_row = False
        elif token.type == "inline" and is_row:
            cells.append(_inline_text(token))
        elif token.type == "inline":
            lines.append(prefix + _inline_text(token))
            prefix = ""
        elif token.type in ("fence", "code_block"):
            lines.append(prefix + token.content.rstrip())
            prefix = ""
    return "\n".join(lines)


def _inline_text(token: Token) -> str:
    parts, address = [], ""
    for child in token.children or []:
        if child.type == "link_open":
            address = str(child.attrGet("href") or "")
        elif child.type == "link_close":
            parts.append(f" ({address})")
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" " if child.type == "softbreak" else "\n")
        else:
            parts.append(child.content)
    return "".join(parts)


def _only_https(tag: str, name: str, value: str) -> str | None:
    """Links of the text are sources, which stand elsewhere: an address without a host is none."""
    return value if name != "href" or value.lower().startswith("https://") else None
