"""Accounts of a stand-in: what each has been sent, and what is scripted for it. No I/O in here.

An OpenAI key is an account; for the webhook sink and the mail sink a run is one. The journal keeps
the newest entries inside fixed bounds and says how many older ones it dropped.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import Any

from bootcamp import bounds
from bootcamp.providers.faults import Fault

MAX_WATCHED = 2_000
"""Accounts that the control plane has named. Beyond this the one named longest ago is dropped."""
MAX_STRANGERS = 16
"""Accounts that only traffic has named. Beyond this the one used longest ago is dropped."""
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
        return self.note(endpoint, self.meet(endpoint, texts), size, **details)

    def meet(self, endpoint: str, texts: tuple[str, ...]) -> Fault | None:
        """Return the first waiting fault that fits, and use it up by one. The journal gets no entry."""
        for place, fault in enumerate(self._faults):
            if fault.fits(endpoint, texts):
                left = fault.used_once()
                self._faults[place : place + 1] = [left] if left else []
                return fault
        return None

    def note(self, endpoint: str, fault: Fault | None, size: int, **details: Any) -> Entry:
        """Take note of a request whose fault is known. The arguments are those of `arrive`."""
        self.arrived += 1
        entry: Entry = {
            "sequence": self.arrived,
            "endpoint": endpoint,
            "started": time.monotonic(),
            "ended": None,
            "status": None,
            "in_flight": self.in_flight,
            "fault": fault,
            **details,
        }
        self.in_flight += 1
        self._entries.append((entry, size))
        self._bytes += size
        while len(self._entries) > bounds.MAX_JOURNAL_ENTRIES or (
            self._bytes > bounds.MAX_JOURNAL_BYTES and len(self._entries) > 1
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


class Accounts:
    """All accounts of a stand-in. An account exists from its first mention.

    Those that the control plane has named are kept apart from those that only traffic has made up,
    so that nobody can drown an account that is watched by inventing keys.
    """

    def __init__(self) -> None:
        self._watched: OrderedDict[str, Account] = OrderedDict()
        self._strangers: OrderedDict[str, Account] = OrderedDict()

    def of_traffic(self, name: str) -> Account:
        """The account that a request belongs to."""
        if name in self._watched:
            return self._watched[name]
        return _touch(self._strangers, name, Account(), MAX_STRANGERS)

    def watched(self, name: str) -> Account:
        """The account that the control plane asks for."""
        return _touch(self._watched, name, self._strangers.pop(name, Account()), MAX_WATCHED)

    def clear(self, name: str) -> None:
        """Delete journal and faults of an account. Running requests are not recorded."""
        self._watched.pop(name, None)
        self._strangers.pop(name, None)
        self.watched(name)


def _touch(accounts: OrderedDict[str, Account], name: str, new: Account, most: int) -> Account:
    account = accounts.setdefault(name, new)
    accounts.move_to_end(name)
    while len(accounts) > most:
        accounts.popitem(last=False)
    return account
