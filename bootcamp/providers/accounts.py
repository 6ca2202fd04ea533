"""Accounts of a stand-in: what each has been sent, and what is scripted for it. No I/O in here.

An OpenAI key is an account; for the webhook sink a run is one. The journal keeps the newest entries
inside fixed bounds and says how many older ones it forgot.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import Any

from bootcamp.providers.faults import Fault

MAX_ACCOUNTS = 2_000
"""Beyond this the account that was quiet longest is forgotten."""
MAX_JOURNAL_ENTRIES = 20_000
"""Entries kept for each account."""
MAX_JOURNAL_BYTES = 64 * 1024 * 1024
"""Bytes of request contents kept for each account."""
MAX_FAULTS = 1_000
"""Faults waiting for each account."""

Entry = dict[str, Any]
"""A journal entry as it goes over the wire; `clients.py` has the typed form."""


class Account:
    """The journal and the scripted faults of one key or run. Used from the event loop alone."""

    def __init__(self) -> None:
        self.arrived = 0
        self.in_flight = 0
        self._faults: list[Fault] = []
        self._entries: deque[tuple[Entry, int]] = deque()
        self._bytes = 0

    def script(self, faults: list[Fault]) -> None:
        """Put these faults behind those that still wait.

        Raises:
            ValueError: more than `MAX_FAULTS` would wait.
        """
        if len(self._faults) + len(faults) > MAX_FAULTS:
            raise ValueError(f"at most {MAX_FAULTS} faults can wait")
        self._faults.extend(faults)

    def arrive(self, endpoint: str, texts: tuple[str, ...], size: int, **details: Any) -> Entry:
        """Take note of a request and of the fault that it meets.

        Args:
            endpoint: what faults name in `on`.
            texts: what faults name in `matching`.
            size: bytes that the entry holds in memory.
            details: what else the entry says.

        Returns the entry: `fault` is the `Fault` to obey, or None.
        """
        self.arrived += 1
        entry: Entry = {
            "sequence": self.arrived,
            "endpoint": endpoint,
            "started": time.monotonic(),
            "ended": None,
            "status": None,
            "in_flight": self.in_flight,
            "fault": self._take_fault(endpoint, texts),
            **details,
        }
        self.in_flight += 1
        self._entries.append((entry, size))
        self._bytes += size
        while len(self._entries) > MAX_JOURNAL_ENTRIES or (
            self._bytes > MAX_JOURNAL_BYTES and len(self._entries) > 1
        ):
            self._bytes -= self._entries.popleft()[1]
        return entry

    def finish(self, entry: Entry, status: int | None) -> None:
        """Take note that the request is over; `None`: it got no (whole) answer."""
        entry["status"] = status
        entry["ended"] = time.monotonic()
        self.in_flight -= 1

    def journal(self, after: int = 0) -> dict[str, Any]:
        """Entries with a higher sequence number than `after`, oldest first, and the counts."""
        entries = [entry for entry, _ in self._entries if entry["sequence"] > after]
        return {
            "entries": [{**e, "fault": e["fault"].kind if e["fault"] else None} for e in entries],
            "arrived": self.arrived,
            "forgotten": self.arrived - len(self._entries),
        }

    def recent(self, seconds: float) -> int:
        """How many requests arrived in the last `seconds`."""
        since = time.monotonic() - seconds
        count = 0
        for entry, _ in reversed(self._entries):
            if entry["started"] < since:
                break
            count += 1
        return count

    def _take_fault(self, endpoint: str, texts: tuple[str, ...]) -> Fault | None:
        for place, fault in enumerate(self._faults):
            if fault.fits(endpoint, texts):
                left = fault.used_once()
                self._faults[place : place + 1] = [left] if left else []
                return fault
        return None


class Accounts:
    """All accounts of a stand-in. An account exists from its first mention."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def __getitem__(self, name: str) -> Account:
        account = self._accounts.setdefault(name, Account())
        self._accounts.move_to_end(name)
        while len(self._accounts) > MAX_ACCOUNTS:
            self._accounts.popitem(last=False)
        return account

    def clear(self, name: str) -> None:
        """Forget journal and faults of an account. Requests under way end unrecorded."""
        self._accounts.pop(name, None)
