"""The index of dead letters: added to a table of week 4, with what is in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.process.fork_client import Host
from bootcamp.stack import Run
from tests.week03.conftest import prepare
from tests.week03.test_migrations import migrate
from tests.week04.conftest import LAYERS as WEEK_FOUR
from tests.week04.conftest import table
from tests.week05.conftest import LAYERS
from tests.week05.test_week05_dead_letters import failed_job


@pytest.fixture
def prepared(run: Run, tmp_path: Path, host: Host) -> None:
    """The stores of week 4."""
    prepare(run, WEEK_FOUR, tmp_path, host)


def test_a_table_of_week_4_gets_the_index_with_what_is_in_it(run, new_job):
    """Several processes migrate at once. A job that died before is listed afterwards."""
    from pipeline.models.dead_letters import page_of_dead
    from pipeline.models.errors import JobStoreUnavailable

    failed_job(new_job())
    assert {one["IndexName"] for one in table(run).global_secondary_indexes} == {
        "by_owner",
        "by_due_time",
    }
    with pytest.raises(JobStoreUnavailable):  # not 500: the index comes with the migration
        page_of_dead("public", 10, None)
    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(lambda _: migrate(run, layers=LAYERS), range(3)))
    assert [one.returncode for one in done] == [0] * 3, [one.stderr for one in done]
    assert "".join(one.stdout for one in done).count("m0501_dead_letters: applied") == 1
    assert len(page_of_dead("public", 10, None).jobs) == 1
