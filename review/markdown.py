"""Documents in Markdown as part of a page: headings in order, tables that scroll, no HTML or picture of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

CLASSES = {
    "paragraph_open": "govuk-body",
    "bullet_list_open": "govuk-list govuk-list--bullet",
    "ordered_list_open": "govuk-list govuk-list--number",
    "table_open": "govuk-table app-narrow-table",
    "thead_open": "govuk-table__head",
    "tbody_open": "govuk-table__body",
    "tr_open": "govuk-table__row",
    "th_open": "govuk-table__header",
    "td_open": "govuk-table__cell",
    "link_open": "govuk-link",
}
HEADINGS = {1: "govuk-heading-l", 2: "govuk-heading-m", 3: "govuk-heading-s"}
LOWEST = 6


@dataclass(frozen=True)
class Document:
    """A document as HTML, and the headings of its second level with their places, for a table of contents."""

    html: Markup
    contents: list[tuple[str, str]]


def document(text: str) -> Document:
    """Render Markdown whose first heading is the page's own (CommonMark with tables; HTML in it is shown, not run)."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens, last = reader.parse(text), ""
    contents: list[tuple[str, str]] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "heading_open":
            level = min(int(token.tag[1]), LOWEST)
            token.attrSet("class", HEADINGS.get(level, HEADINGS[3]))
        elif token.type in CLASSES:
            token.attrSet("class", CLASSES[token.type])
        if before is not None and before.type == "heading_open":
            last = token.content
            place = f"part-{len(contents) + 1}" if before.tag == "h2" else ""
            if place:
                before.attrSet("id", place)
                contents.append((place, last))
        _cell(token)
        if token.type == "table_open":
            token.meta = {"caption": last}
    return Document(Markup(_with_captions(reader, tokens)), contents)  # noqa: S704  # nosec B704 # the reader escapes what it is given


def _cell(token: Token) -> None:
    """Numbers to the right by a class: the policy of these pages lets no style stand in an element."""
    if token.type not in ("th_open", "td_open"):
        return
    if "right" in str(token.attrs.pop("style", "")):
        token.attrSet("class", f"{CLASSES[token.type]} {CLASSES[token.type]}--numeric")
    if token.type == "th_open":
        token.attrSet("scope", "col")


def _with_captions(reader: MarkdownIt, tokens: list[Token]) -> str:
    """The HTML, each table in a region that scrolls by itself, named after the heading above it."""
    captions = iter(token.meta["caption"] for token in tokens if token.type == "table_open")
    html: str = reader.renderer.render(tokens, reader.options, {})

    def opened(found: re.Match[str]) -> str:
        name = escape(next(captions))
        region = f'<div class="app-scroll" tabindex="0" role="region" aria-label="{name}">'
        return f'{region}{found[0]}<caption class="govuk-visually-hidden">{name}</caption>'

    return re.sub(r"<table[^>]*>", opened, html).replace("</table>", "</table></div>")
