"""Pages are rendered as GitHub does it, and terms are linked once."""

from __future__ import annotations

import json
import re

import pytest

from bootcamp.authoring.pages import Block, course_pages
from bootcamp.authoring.site_glossary import GLOSSARY, read_terms
from bootcamp.authoring.site_pages import Site, notebook_text, render
from bootcamp.errors import BootcampError

TERMS = read_terms("## broker\n\nThe server of the messages.\n\nAlso: brokers\n")
SITE = Site({"lessons/a.md", "docs/glossary.md", "README.md"}, TERMS)
DIAGRAMS = [block for page in course_pages() for block in page.blocks("mermaid")]
WORDS_OF_A_DEFINITION = range(6, 27)


def rendered(text: str, copied: list[str] | None = None) -> str:
    return render("lessons/a.md", text, SITE, (copied if copied is not None else []).append)


@pytest.mark.parametrize("block", DIAGRAMS, ids=lambda block: block.place)
def test_every_diagram_has_a_title_and_a_description(block: Block) -> None:
    for name in ("accTitle", "accDescr"):
        (text,) = re.findall(rf"^ +{name}: (.+)$", block.text, re.MULTILINE)
        assert len(text) > 10, name


def test_only_the_first_use_of_a_term_is_linked() -> None:
    page = rendered("# A broker\n\n`broker` [broker](b.md) and brokers, a broker.\n")
    assert page.count('class="term"') == 1
    assert '<a href="../docs/glossary.html#broker" class="term"' in page
    assert ">brokers</a>" in page


def test_links_lead_to_pages_and_copied_files() -> None:
    copied: list[str] = []
    page = rendered("[start](../README.md#students) ![p](../docs/status_page.png)\n", copied)
    assert 'href="../index.html#students"' in page
    assert 'src="../docs/status_page.png"' in page
    assert copied == ["docs/status_page.png"]


def test_a_link_to_a_folder_without_a_page_is_text() -> None:
    assert "<span>ops</span> and <a href=" in rendered("[ops](../ops) and [x](../README.md)\n")


def test_headings_in_folded_answers_stay_in_them() -> None:
    page = rendered("<details>\n<summary>x</summary>\n\n## Inside\n\n</details>\n\n## Outside\n")
    assert "<h2>Inside</h2>" in page
    assert "## Outside { #outside }" in page


def test_code_that_names_its_file_is_a_code_block() -> None:
    page = rendered("```python file=a.py#b\nx = 1\n\ny = '<'\n```\n")
    assert '<div class="highlight"><pre><code>' in page
    assert "file=" not in page
    assert "&lt;" in page


def test_a_notebook_is_a_page_of_its_cells() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "Words."]},
        {"cell_type": "code", "source": ["x = 1\n"], "outputs": [{"text": "hidden"}]},
    ]
    assert notebook_text(json.dumps({"cells": cells})) == (
        "# Title\n\nWords.\n\n```python\nx = 1\n```\n"
    )


def test_definitions_are_one_plain_sentence() -> None:
    terms = read_terms(GLOSSARY.read_text(encoding="utf-8"))
    assert [term.name for term in terms] == sorted((one.name for one in terms), key=str.lower)
    for term in terms:
        assert term.definition.endswith("."), term.name
        assert ". " not in term.definition, term.name
        assert len(term.definition.split()) in WORDS_OF_A_DEFINITION, term.name


def test_a_term_without_definition_is_refused() -> None:
    with pytest.raises(BootcampError, match="no definition"):
        read_terms("## broker\n\n## queue\n\nA list of messages that wait.\n")
