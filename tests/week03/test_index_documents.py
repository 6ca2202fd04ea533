"""3.4: the index holds exactly one version of a document, whoever writes it and how often."""

from __future__ import annotations

import threading

import psycopg
import pytest

from autograder.process.student import Student
from tests.week03.conftest import LAYERS, poll, rows

INDEX = "pipeline.steps.index"


def version(count: int, name: str = "v1") -> tuple[list[dict[str, object]], list[list[float]]]:
    chunks = [
        {"position": n, "page": 1 + n // 3, "text": f"{name} chunk {n}"} for n in range(count)
    ]
    return chunks, [[float(n == axis) for axis in range(1536)] for n in range(count)]


def write(code: Student, document: str, count: int, name: str = "v1", owner: str = "public") -> int:
    chunks, vectors = version(count, name)
    answer = code.call(
        INDEX, "index_document", document, owner, f"{name}.pdf", chunks, vectors, timeout=60
    )
    assert answer == count
    return count


def stored(run, document: str, owner: str = "public") -> list[tuple[int, int, str]]:
    query = (
        "SELECT position, page, text FROM chunks WHERE document_id = %s AND owner = %s ORDER BY 1"
    )
    return rows(run, query, document, owner)


def expected(count: int, name: str) -> list[tuple[int, int, str]]:
    return [(n, 1 + n // 3, f"{name} chunk {n}") for n in range(count)]


def test_twice_is_once(code, run):
    write(code, "a", 7)
    write(code, "a", 7)
    write(code, "b", 2, "other")
    assert stored(run, "a") == expected(7, "v1")
    assert stored(run, "b") == expected(2, "other")
    names = rows(run, "SELECT document_id, filename FROM documents ORDER BY 1")
    assert names == [("a", "v1.pdf"), ("b", "other.pdf")]


@pytest.mark.parametrize("count", [3, 0, 12])
def test_a_second_version_replaces_the_first(code, run, count):
    write(code, "a", 7)
    write(code, "other", 9)
    write(code, "a", count, "v2")
    assert stored(run, "a") == expected(count, "v2")
    assert len(stored(run, "other")) == 9


def test_owners_share_no_rows(code, run):
    write(code, "a", 9, "theirs", "other")
    for count in (7, 2):
        write(code, "a", count, "mine")
        assert stored(run, "a") == expected(count, "mine")
        assert stored(run, "a", "other") == expected(9, "theirs")


def test_vectors_lie_beside_their_texts(code, run):
    write(code, "a", 3)
    found = rows(run, "SELECT position, (embedding::real[])[1:3] FROM chunks ORDER BY 1")
    assert found == [(0, [1, 0, 0]), (1, [0, 1, 0]), (2, [0, 0, 1])]


def test_all_or_nothing(code, run):
    write(code, "a", 5)
    chunks, vectors = version(4, "v2")
    vectors[3] = [1.0]  # PostgreSQL refuses the last row
    answer = code.ask(INDEX, "index_document", "a", "public", "v2.pdf", chunks, vectors)
    assert not answer.ok
    assert stored(run, "a") == expected(5, "v1")
    assert rows(run, "SELECT filename FROM documents") == [("v1.pdf",)]


def test_too_few_vectors_write_nothing(code, run):
    write(code, "a", 1)
    chunks, vectors = version(4, "v2")
    assert (
        code.ask(INDEX, "index_document", "a", "public", "x", chunks, vectors[:3]).error
        == "ValueError"
    )
    assert stored(run, "a") == expected(1, "v1")


def test_one_transaction_a_document(code, run):
    write(code, "warm up", 1)
    before = transactions(run)
    write(code, "a", 200)
    counted = poll(lambda: transactions(run) - before or None)
    assert counted < 20, "a transaction for every row"


def transactions(run) -> int:
    [(count,)] = rows(
        run, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    )
    return int(count)


def test_nul_never_reaches_postgresql(code, run):
    chunks = [{"position": 0, "page": 1, "text": "nul\0 and half \ud800 a pair"}]
    code.call(INDEX, "index_document", "a", "public", "na\0me", chunks, [[0.1] * 1536])
    assert stored(run, "a") == [(0, 1, "nul and half ? a pair")]


def test_two_workers_with_the_same_document(run, tmp_path, host):
    """Ten rounds at once, of different lengths: afterwards it is one of the two, never a mixture."""
    writers = {}
    for count, name in ((6, "short"), (60, "long")):
        folder = tmp_path / name
        folder.mkdir()
        writers[name] = (Student(LAYERS, run.environment(), folder, host), count)
        writers[name][0].launch_migration()
    for writer, _ in writers.values():
        writer.await_migration()
    try:
        failures: list[BaseException] = []

        def rounds(name: str) -> None:
            code, count = writers[name]
            try:
                for _ in range(10):
                    write(code, "a", count, name)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=rounds, args=[name]) for name in writers]
        for thread in threads:
            thread.start()
        seen = set()
        while any(thread.is_alive() for thread in threads):
            seen |= whole_versions(run)
        for thread in threads:
            thread.join()
        assert not failures
        assert stored(run, "a") in (expected(6, "short"), expected(60, "long"))
        assert seen <= {("short", 6), ("long", 60)}
    finally:
        for code, _ in writers.values():
            code.stop()


def whole_versions(run) -> set[tuple[str, int]]:
    """What a reader sees now: names and numbers of chunks."""
    query = "SELECT split_part(text, ' ', 1), count(*) FROM chunks GROUP BY 1"
    try:
        return set(rows(run, query))
    except psycopg.errors.UndefinedTable:
        return set()


def test_a_document_can_be_deleted(code, run):
    write(code, "a", 4)
    write(code, "b", 2)
    write(code, "a", 3, owner="other")
    code.call(INDEX, "delete_document", "a", "public")
    code.call(INDEX, "delete_document", "never there", "public")
    assert len(stored(run, "a", "other")) == 3
    code.call(INDEX, "delete_document", "a", "other")
    assert rows(run, "SELECT document_id FROM documents") == [("b",)]
    assert rows(run, "SELECT count(*) FROM chunks") == [(2,)]


def test_a_database_that_is_away_is_a_bounded_error(code, run):
    write(code, "a", 1)
    with run.postgres_outage():
        chunks, vectors = version(1)
        answer = code.ask(INDEX, "index_document", "a", "public", "x", chunks, vectors, timeout=30)
        assert "OperationalError" in answer.bases
        assert run.id not in answer.message
    write(code, "a", 2)  # and the pool finds its way back
    assert len(stored(run, "a")) == 2
