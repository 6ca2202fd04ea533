"""9.0: feedparser reads the first feed.

What a submission could fake:
- counts: nothing is counted.
- witness: the returned titles, which the grader has written.
- place: titles, their number and the name of the file are random.
- store: only the returned titles count.
- probe: none.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Student, fail, packed
from autograder.week09_news.feed_documents import atom, items, rss

pytestmark = pytest.mark.item("9.0")


def test_titles(student: Student, rng: Random) -> None:
    """a: the titles of RSS and Atom, in their order."""
    for name, write in {"RSS": rss, "Atom": atom}.items():
        found = sorted(items(rng, rng.randint(3, 5)), key=lambda one: one.title, reverse=True)
        wanted = [one.title for one in found]
        body = packed(write(found).encode())
        titles = student.call("pipeline.news.first_feed", "first_titles", body)
        if titles != wanted:
            mixed = isinstance(titles, list) and set(map(str, titles)) == set(wanted)
            fail(
                sent=f"first_titles() of a document in {name} with {len(found)} entries",
                expected=str(wanted),
                got=titles,
                cause="keep the order of the entries"
                if mixed
                else "return `entry.title` of each of `feedparser.parse(…).entries`",
            )


def test_bytes_are_no_file_name(student: Student, rng: Random) -> None:
    """a: a document that is the name of a file is not opened."""
    name = f"feed-{rng.getrandbits(40):x}.xml"
    (student.home / name).write_text(rss(items(rng, 1)))
    titles = student.call("pipeline.news.first_feed", "first_titles", packed(name.encode()))
    (student.home / name).unlink()
    if titles != []:
        fail(
            sent=f"first_titles({name.encode()!r}), and a file of this name is in the folder",
            expected="[]",
            got=titles,
            cause="feedparser opens a file if the bytes are its name: pass `BytesIO(document)`",
        )
