"""The bounds of a stand-in's memory, and what its process says when it cannot start."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bootcamp import bounds
from bootcamp.providers import Fault, accounts
from bootcamp.providers.accounts import Account, Accounts


def test_the_journal_forgets_the_oldest_and_says_so(monkeypatch):
    monkeypatch.setattr(bounds, "MAX_JOURNAL_ENTRIES", 3)
    account = Account()
    for _ in range(5):
        account.finish(account.arrive("chat", (), 10), 200)
    journal = account.journal()
    assert [entry["sequence"] for entry in journal["entries"]] == [3, 4, 5]
    assert (journal["arrived"], journal["forgotten"], account.in_flight) == (5, 2, 0)


def test_the_journal_is_bounded_in_bytes_too(monkeypatch):
    monkeypatch.setattr(bounds, "MAX_JOURNAL_BYTES", 100)
    account = Account()
    for size in (40, 40, 40, 500):
        account.arrive("chat", (), size)
    assert [entry["sequence"] for entry in account.journal()["entries"]] == [4]


def test_made_up_keys_push_out_each_other_and_no_watched_account(monkeypatch):
    monkeypatch.setattr(accounts, "MAX_STRANGERS", 2)
    ledger = Accounts()
    watched = ledger.watched("graded")
    quiet = ledger.of_traffic("quiet")
    busy = ledger.of_traffic("busy")
    for key in ("new 1", "new 2", "new 3"):
        ledger.of_traffic("busy")
        ledger.of_traffic(key)
    assert ledger.of_traffic("graded") is watched
    assert ledger.of_traffic("busy") is busy
    assert ledger.of_traffic("quiet") is not quiet


def test_an_account_can_be_watched_after_its_first_requests():
    ledger = Accounts()
    ledger.of_traffic("default").arrive("chat", (), 1)
    assert ledger.watched("default").arrived == 1
    ledger.clear("default")
    assert ledger.of_traffic("default").arrived == 0


def test_waiting_faults_are_bounded(monkeypatch):
    monkeypatch.setattr(accounts, "MAX_FAULTS", 2)
    account = Account()
    account.script([Fault.drop(), Fault.drop()])
    with pytest.raises(ValueError, match="at most 2"):
        account.script([Fault.drop()])


@pytest.mark.parametrize("module", ["openai_standin", "webhook_sink"])
def test_without_a_control_token_it_does_not_start(module):
    environment = {key: value for key, value in os.environ.items() if key != "CONTROL_TOKEN"}
    ended = subprocess.run(
        [sys.executable, "-m", f"bootcamp.providers.{module}", "--port", "1"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert "CONTROL_TOKEN" in ended.stderr
