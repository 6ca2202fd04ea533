"""A run whose stack went down first ends in peace, and the next start cleans up after it."""

from __future__ import annotations

import os

from bootcamp.stack import Stack
from bootcamp.stack.postgres import Admin
from bootcamp.stack.run import FRESH_SECONDS


def databases(stack: Stack) -> set[str]:
    admin = Admin(stack.endpoints.postgres_port, stack.endpoints.postgres_password)
    with admin.connect() as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_a_run_outlives_its_stack(tmp_path):
    with Stack(tmp_path) as stack:
        run = stack.isolated()
        run.__enter__()
        assert run.id in databases(stack)
    run.close()
    assert run.path.exists(), "kept for the sweep"
    old = run.path.stat().st_mtime - 2 * FRESH_SECONDS
    os.utime(run.path, (old, old))
    with Stack(tmp_path) as stack:
        assert run.id not in databases(stack)
        assert not run.path.exists()
