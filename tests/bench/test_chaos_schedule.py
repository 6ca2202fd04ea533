"""The schedule of faults: repeatable, complete, and never two at once on the same process or service."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bootcamp.bench.chaos.__main__ import LONG, SHORT, options, schedule
from bootcamp.bench.chaos.schedule import ON_A_WORKER, Kind, Lengths, plan

SEEDS = range(20)
WORKERS = 3


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another_one() -> None:
    first = plan(7, 100, list(Kind), WORKERS, LONG)
    assert first == plan(7, 100, list(Kind), WORKERS, LONG)
    assert first != plan(8, 100, list(Kind), WORKERS, LONG)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_happens_even_in_a_short_run(seed: int) -> None:
    planned = plan(seed, 0, list(Kind), WORKERS, SHORT)
    assert sorted(one.kind for one in planned) == sorted(Kind)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_struck_is_left_alone_until_it_runs_again(seed: int) -> None:
    planned = plan(seed, 300, list(Kind), WORKERS, LONG)
    assert planned == sorted(planned, key=lambda one: one.at)
    for struck in {one.struck for one in planned}:
        for before, after in pairwise(one for one in planned if one.struck == struck):
            assert after.at >= before.until + LONG.rest


def test_faults_of_different_services_overlap() -> None:
    planned = plan(1, 300, list(Kind), WORKERS, LONG)
    assert any(after.at < before.until for before, after in pairwise(planned))


def test_a_long_run_has_many_rounds_and_strikes_every_worker() -> None:
    planned = plan(1, 400, list(Kind), WORKERS, LONG)
    assert all(one.at < 400 for one in planned)
    assert min(sum(one.kind == kind for one in planned) for kind in Kind) >= 3
    assert {one.worker for one in planned if one.kind in ON_A_WORKER} == set(range(WORKERS))
    assert all(one.worker is None for one in planned if one.kind not in ON_A_WORKER)


def test_the_frozen_worker_sleeps_longer_than_its_lease() -> None:
    from bootcamp.bench.chaos.stand import LEASE_SECONDS

    for lengths in (LONG, SHORT):
        assert lengths.of(Kind.NODE_FROZEN) > LEASE_SECONDS
    assert LONG.of(Kind.DYNAMODB_AWAY) == 20


def test_only_the_kinds_that_were_asked_for() -> None:
    asked = options(["--only", "api_killed", "disk_full", "--seed", "1", "--jobs", "5"])
    assert {one.kind for one in schedule(asked, 1, 60)} == {Kind.API_KILLED, Kind.DISK_FULL}
    assert plan(1, 60, [], WORKERS, Lengths({})) == []
