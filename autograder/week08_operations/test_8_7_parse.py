"""8.7: the fast parser finds what week 3's finds, keeps its limits and errors, and costs an eighth.

What a submission could fake:
- counts: processor time is that of all processes, those that have ended included. The kernel drops
  that of a process whose parent ignores its end, so the elapsed time counts too.
- witness: the slow parser runs in the submission's process. It is a new one, which has imported no
  homework file, so a submission cannot make it slower.
- place: texts, limits and sizes are random.
- store: only the returned pages count.
- probe: files are like any other ones. Default limits are those of a worker.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

import pytest

from autograder.sdk import Student, fail
from autograder.sdk.documents import WORDS, make_docx, make_pdf, random_pages, scanned_pdf, words_of
from autograder.week08_operations import parsing
from autograder.week08_operations.parsing import DOCX, MIB, PDF, PLAIN

pytestmark = pytest.mark.item("8.7")

TIMES_FASTER = 8
TIMES_SOONER = 3
"""Less than `TIMES_FASTER`, because other work of the machine makes both parsers slower."""
SLOW_BATCH, FAST_BATCH, BATCHES, ATTEMPTS = 1, 4, 2, 3
"""Documents in a batch. The best batch counts, because other work of the machine makes one slower."""
PAGES_OF_A_LETTER, WORDS_OF_A_PAGE = 8, 600
"""So much that the reading costs more than the start of a process: pypdf in a fork is still too slow."""
MANY_PAGES = 40_000
"""A reader that reads all of them before it yields one needs more than the second that it has."""


def check_words(sent: str, found: list[str], pages: list[str], cause: str = "") -> None:
    """Check the words of each page."""
    if len(found) != len(pages):
        fail(
            sent=sent,
            expected=f"{len(pages)} pages",
            got=f"{len(found)} pages",
            cause=cause or 'yield the text of each page, and "" for a page without text',
        )
    for number, (got, page) in enumerate(zip(found, pages, strict=True), 1):
        if words_of(got) != words_of(page):
            fail(
                sent=sent,
                expected=f"on page {number}: {' '.join(words_of(page)[:12])} …",
                got=" ".join(words_of(got)[:12]) or "no words",
                cause=cause or "a page was left out, repeated or cut off, or its text was changed",
            )


def test_pages_of_a_pdf(student: Student, rng: Random) -> None:
    """a, c, j: one page in each language, blank ones between them, and lines that end in \\n."""
    pages = [random_pages(rng, 1, 60, language)[0] for language in WORDS]
    pages += ["", ""]
    rng.shuffle(pages)
    pages.append(random_pages(rng, 1, 60)[0])
    sent = f"a PDF of {len(pages)} pages in {len(WORDS)} languages, of which two are blank"
    found = parsing.pages_of(
        sent,
        parsing.parse(student, make_pdf(pages), PDF),
        cause="the file is valid: if the child raised, its traceback is in the log of the worker. "
        "The answer is one line of JSON in UTF-8",
    )
    check_words(sent, found, pages)
    if odd := [text for text in found if "\r" in text]:
        fail(
            sent=sent,
            expected='lines that end in "\\n", as in week 3',
            got=odd[0][:80],
            cause='PDFium ends lines with "\\r\\n": yield "\\n"',
        )


def test_other_files_are_read_as_before(student: Student, rng: Random) -> None:
    """g, j: a text file and a Word file."""
    pages = [random_pages(rng, 1, 30, language)[0] for language in ("en", "ja", "el")]
    for kind, content in ((PLAIN, "\f".join(pages).encode()), (DOCX, make_docx(pages))):
        sent = f"a file of three pages, in three languages, of the type {kind.rpartition('.')[2]}"
        cause = "only a PDF is for PDFium: read all other types with `parse_document` as before"
        check_words(
            sent, parsing.pages_of(sent, parsing.parse(student, content, kind), cause), pages, cause
        )


def test_pypdf_reads_what_pdfium_does_not(student: Student, rng: Random) -> None:
    """e: a file that PDFium refuses, and one in which it finds no text."""
    text = " ".join(parsing.made_up(rng, 3))
    for sent, content, cause in (
        (
            "a PDF with a damaged first line: PDFium raises an error, pypdf reads it",
            parsing.headless_pdf(text),
            "if PDFium cannot read the file (`DamagedDocument`), let pypdf try",
        ),
        (
            "a PDF in which PDFium finds no text, but pypdf does",
            parsing.form_in_a_form(text),
            "if PDFium finds no text (`NoTextInDocument`), let pypdf try",
        ),
    ):
        found = parsing.pages_of(sent, parsing.parse(student, content, PDF), cause)
        check_words(sent, found, [text], cause)


def test_unusable_files_have_the_errors_of_week_3(student: Student, rng: Random) -> None:
    """e, i: the error is the one that pypdf raises, and `answer` carries it out of the child."""
    [word] = parsing.made_up(rng, 1)
    cause = "let pypdf decide which error it is, and let `answer` turn the error into JSON"
    for sent, content, kind, expected in (
        ("a PDF that needs a password", parsing.locked_pdf(word, word), PDF, "EncryptedDocument"),
        ("a PDF of lines, like a scan", scanned_pdf(rng), PDF, "NoTextInDocument"),
        (
            "'%PDF-1.7' followed by random bytes",
            b"%PDF-1.7\n" + rng.randbytes(600),
            PDF,
            "DamagedDocument",
        ),
        ("no bytes at all, as a PDF", b"", PDF, "EmptyDocument"),
        ("a picture", rng.randbytes(99), "image/png", "UnsupportedDocument"),
    ):
        parsing.check_error(sent, parsing.parse(student, content, kind), expected, cause)


def test_limits_on_pages_and_characters(student: Student, rng: Random) -> None:
    """d, e: the limits of the call hold for PDFium, and for pypdf."""
    pages = random_pages(rng, rng.randint(3, 6), 30)
    content, count = make_pdf(pages), len(pages)
    characters = sum(map(len, pages))
    cause = "pass the `limits` of the call to `parse_document`"
    sent = f"a PDF of {count} pages, with limits of {count} pages"
    check_words(
        sent, parsing.pages_of(sent, parsing.parse(student, content, PDF, pages=count)), pages
    )
    for limits in ({"pages": count - 1}, {"characters": characters // 2}):
        sent = f"a PDF of {count} pages and {characters} characters, with the limits {limits}"
        answer = parsing.parse(student, content, PDF, **limits)
        parsing.check_error(sent, answer, "DocumentTooLarge", cause)
    text = " ".join(parsing.made_up(rng, 9))
    sent = (
        f"a PDF of {len(text)} characters that pypdf alone can read, with a limit of half of them"
    )
    answer = parsing.parse(student, parsing.headless_pdf(text), PDF, characters=len(text) // 2)
    cause = "the limits of the call hold for pypdf too: pass them on"
    parsing.check_error(sent, answer, "DocumentTooLarge", cause)


def test_an_eighth_of_the_processor_time(student: Student, rng: Random) -> None:
    """d: beside the parser of week 3, on documents of the same kind. The best of a few attempts counts."""
    slow = fast = Cost(float("inf"), float("inf"))
    for _ in range(ATTEMPTS):
        slow = slow.best(cost_of_a_document(student, rng, parsing.WEEK_THREE, SLOW_BATCH))
        fast = fast.best(cost_of_a_document(student, rng, (parsing.MODULE, "parse"), FAST_BATCH))
        cheap = fast.processor * TIMES_FASTER <= slow.processor
        if cheap and fast.elapsed * TIMES_SOONER <= slow.elapsed:
            return
    sent = f"{ATTEMPTS * BATCHES * FAST_BATCH} PDFs of {PAGES_OF_A_LETTER} pages"
    cause = "pypdf reads the documents, before or instead of PDFium: use it only after "
    cause += "`DamagedDocument` or `NoTextInDocument`"
    expected = f"at least {TIMES_FASTER} times less processor time than week 3's parser, which "
    expected += f"used {1000 * slow.processor:.0f} ms for each"
    got = f"{1000 * fast.processor:.0f} ms for each"
    if fast.processor * TIMES_FASTER <= slow.processor:
        expected = (
            f"the pages at least {TIMES_SOONER} times sooner than from week 3's parser, which "
        )
        expected += f"took {1000 * slow.elapsed:.0f} ms for each"
        got = f"{1000 * fast.elapsed:.0f} ms for each, of which little is processor time"
    fail(sent=sent, expected=expected, got=got, cause=cause)


@dataclass(frozen=True)
class Cost:
    """What one document costs, in seconds. `elapsed` is seen by us: no process can hide from it."""

    processor: float
    elapsed: float

    def best(self, other: Cost) -> Cost:
        """The less of both, each by itself."""
        return Cost(min(self.processor, other.processor), min(self.elapsed, other.elapsed))


def cost_of_a_document(
    student: Student, rng: Random, function: tuple[str, str], count: int
) -> Cost:
    """The cost of one document. The process is a new one, so nothing is replaced in it."""
    student.renew()
    sent = f"a PDF of {PAGES_OF_A_LETTER} pages"
    parsing.parse_by(function, student, b"warm up", PLAIN)
    best = Cost(float("inf"), float("inf"))
    for _ in range(BATCHES):
        before = student.processor_seconds()
        for _ in range(count):
            pages = random_pages(rng, PAGES_OF_A_LETTER, WORDS_OF_A_PAGE)
            content = parsing.typeset_pdf(pages)
            began = time.monotonic()
            answer = parsing.parse_by(function, student, content, PDF)
            elapsed = time.monotonic() - began
            best = best.best(Cost(float("inf"), elapsed))
            check_words(sent, parsing.pages_of(sent, answer), pages)
        used = student.processor_seconds() - before
        best = best.best(Cost(used / count, best.elapsed))
    return best


def test_a_limit_stops_the_reader(student: Student, rng: Random) -> None:
    """b, f: forty thousand pages, and a limit of ten pages and one second of processor time."""
    content = parsing.endless_pdf(MANY_PAGES + rng.randrange(100))
    answer = parsing.parse(student, content, PDF, pages=10, cpu_seconds=1)
    parsing.check_error(
        f"a PDF of {MANY_PAGES:,} pages, with limits of 10 pages and one second of processor time",
        answer,
        "DocumentTooLarge",
        "either all pages were read before the first was yielded, or pypdf was tried after "
        "`DocumentTooLarge`: only `DamagedDocument` and `NoTextInDocument` are for pypdf",
    )


def test_the_child_is_confined(student: Student, rng: Random) -> None:
    """h: processor time and memory."""
    cause = "call `confine(limits)` in the child, before it reads the document"
    size = rng.randint(280, 310)
    sent = f"a PDF page of {size} MB, unpacked, with a limit of one second of processor time"
    answer = parsing.parse(student, parsing.costly_pdf(size), PDF, cpu_seconds=1, wall_seconds=30)
    parsing.check_error(sent, answer, "DocumentTooSlow", cause)
    sent = "a text of 40 MB that needs four times as much memory, with a limit of 200 MiB"
    content = parsing.text_that_swells(rng.randint(39, 42))
    limits = {"memory_bytes": 200 * MIB, "characters": 10**8}
    parsing.check_error(
        sent, parsing.parse(student, content, PLAIN, **limits), "DocumentTooLarge", cause
    )
