"""Documents that a grader makes: PDF, DOCX, Markdown and text, with words that nobody knows before.

Example:
    document = random_document(rng, pages=3)
    response = upload(api, document.content, document.filename)
"""

from bootcamp.samples.documents import (
    WORDS,
    Document,
    document,
    make_docx,
    make_pdf,
    random_document,
    random_pages,
    scanned_pdf,
    words_of,
)

__all__ = [
    "WORDS",
    "Document",
    "document",
    "make_docx",
    "make_pdf",
    "random_document",
    "random_pages",
    "scanned_pdf",
    "words_of",
]
