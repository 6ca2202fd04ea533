"""Turns a page of the repository into a page for the site generator.

GitHub reads the pages as CommonMark, and the generator's own Markdown differs (nested lists, folded
answers, fences that name a file). So the text is rendered here, by the parser that the tests of the
lessons use. Only the headings stay Markdown, because the generator builds the table of contents from
them.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from bootcamp import paths
from bootcamp.authoring.pages import anchor
from bootcamp.authoring.site_glossary import GLOSSARY, Term, TermLinks

FORMAT: HtmlFormatter[str] = HtmlFormatter(nowrap=True)
ADDRESS = "ADDRESS_OF_YOUR_COURSE"
"""Stands in the pages for the address to clone; a site that knows its repository shows that."""
HTML_MARK = re.compile(r"<(/?)details")
HTML_IMAGE = re.compile(r"^(?:png|svg|jpe?g|gif)$")


@dataclass(frozen=True)
class Site:
    """What every page needs to know."""

    pages: Collection[str]
    """Paths of the pages, from the root of the repository."""
    terms: tuple[Term, ...]
    repository: str = ""
    """The address of the repository on a code host; empty if there is none."""


def site_address(name: str) -> str:
    """Where the site has a page: README.md is the index of its folder."""
    path = PurePosixPath(name)
    stem = "index" if path.name == "README.md" else path.stem
    return path.with_name(f"{stem}.html").as_posix()


def source_of(name: str) -> str:
    """Under which name the generator gets a page: it reads Markdown only."""
    return PurePosixPath(name).with_suffix(".md").as_posix()


def notebook_text(text: str) -> str:
    """The cells of a notebook as one Markdown page, without outputs."""
    cells = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"]).rstrip()
        code = cell["cell_type"] == "code"
        cells.append(f"```python\n{source}\n```" if code else source)
    return "\n\n".join(cells) + "\n"


def render(name: str, text: str, site: Site, copy: Callable[[str], None]) -> str:
    """Render one page.

    Args:
        name: its path from the root of the repository.
        text: its Markdown.
        site: the other pages and the terms.
        copy: called with each other file of the repository that the page links to or shows.

    Returns:
        Markdown that has headings, and HTML for everything else.
    """
    if site.repository:
        text = text.replace(ADDRESS, site.repository)
    markdown = MarkdownIt("commonmark").enable("table")
    markdown.add_render_rule("fence", _fence)
    tokens = markdown.parse(text)
    if name != GLOSSARY.relative_to(paths.ROOT).as_posix():
        glossary = _relative(site_address("docs/glossary.md"), name)
        TermLinks(site.terms, glossary).link(tokens)
    for token in tokens:
        tag = "a"
        for child in token.children or []:
            _point(child, name, site, copy)
            if child.type == "link_open":
                tag = child.tag
            elif child.type == "link_close":
                child.tag = tag
    parts = _parts(markdown, tokens)
    return "\n\n".join([*parts, _source(name, site)]) + "\n"


def _parts(markdown: MarkdownIt, tokens: list[Token]) -> list[str]:
    """Headings as Markdown; what is between them as one block of HTML each."""
    parts: list[str] = []
    block: list[Token] = []
    folded = number = 0

    def close() -> None:
        if block:
            rendered = markdown.renderer.render(block, markdown.options, {})
            parts.append(f"<div>\n{rendered.strip()}\n</div>")
            block.clear()

    while number < len(tokens):
        token = tokens[number]
        if token.type == "html_block":
            marks = HTML_MARK.findall(token.content)
            folded += sum(-1 if mark else 1 for mark in marks)
        if token.type == "heading_open" and token.level == 0 and not folded:
            close()
            title = tokens[number + 1].content
            parts.append(f"{token.markup} {title} {{ #{anchor(title)} }}")
            number += 3
            continue
        block.append(token)
        number += 1
    close()
    return parts


def _fence(_: object, tokens: list[Token], index: int, *__: object) -> str:
    """A diagram as its text, which site.js draws; code with its colours."""
    language, text = tokens[index].info.strip().partition(" ")[0], tokens[index].content
    if language == "mermaid":
        return f'<pre class="diagram" data-search-exclude>{html.escape(text)}</pre>\n'
    try:
        code = highlight(text, get_lexer_by_name(language or "text"), FORMAT)
    except ClassNotFound:
        code = html.escape(text)
    return f'<div class="highlight"><pre><code>{code}</code></pre></div>\n'


def _point(token: Token, name: str, site: Site, copy: Callable[[str], None]) -> None:
    """Change the target of a link or picture to its place on the site.

    A link to a folder that has no page becomes plain text.
    """
    key = {"link_open": "href", "image": "src"}.get(token.type)
    target = str(token.attrs.get(key, "")) if key else ""
    if not key or not target or token.attrs.get("class") == "term" or urlsplit(target).scheme:
        return
    path, _, fragment = unquote(target).partition("#")
    if not path:
        return
    file = os.path.normpath(PurePosixPath(name).parent / path)
    if (paths.ROOT / file).is_dir() and f"{file}/README.md" in site.pages:
        file = f"{file}/README.md"
    if file in site.pages:
        address = _relative(site_address(file), name)
        token.attrs[key] = f"{address}#{fragment}" if fragment else address
    elif (paths.ROOT / file).is_file():
        copy(file)
        token.attrs[key] = _relative(copied_as(file), name)
    else:
        token.tag = "span"
        del token.attrs[key]


def copied_as(file: str) -> str:
    """The name of a copied file: browsers show `.txt`, and would download `.py`."""
    return file if HTML_IMAGE.match(Path(file).suffix[1:]) else f"{file}.txt"


def _relative(target: str, name: str) -> str:
    return os.path.relpath(target, PurePosixPath(name).parent)


def _source(name: str, site: Site) -> str:
    """The last line of a page: from which file it is made, and where to change it."""
    source = f"<code>{html.escape(name)}</code>"
    if site.repository:
        address = html.escape(f"{site.repository}/edit/main/{name}", quote=True)
        return f'<p class="source"><a href="{address}">Edit this page</a>: {source}</p>'
    guide = _relative(site_address("CONTRIBUTING.md"), name)
    edit = f'<a href="{guide}">How to edit this page</a>'
    return f'<p class="source">{edit}: its source is {source}.</p>'
