"""Another process that writes, or the death of this one, around a write that counts.

A write counts if it would change something. A solution cannot detect the rival by a first write
that has no effect, because the rival acts only before the write that does the work. A solution that
tries again after a lost race, under the same condition, is correct.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from autograder.sdk import fail
from autograder.sdk.answers import changed
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.sdk.jobs_table import Item, JobsTable

NTH = (1, 2, 1_000)
"""The number of the write before which the rival acts. Correct code has no second write, so nothing
happens then. To the student's code all cases look the same until the write. In the last one nobody acts,
so that `written_once` counts every write, however many there are.
"""
READ_AGAIN = (
    "between a write and a later read another process writes, so a second read returns its job and "
    "not yours. `update` returns the item as it is after your write: return that"
)


class Writes:
    """The writes of one call, one at a time.

    Args:
        key: the id of the item that counts. None: every item counts.
    """

    def __init__(self, dynamodb_proxy: DynamoDBProxy, table: JobsTable, key: str | None) -> None:
        self.table = table
        self._key = key
        self._shown = dynamodb_proxy.environment["AWS_ACCESS_KEY_ID"].encode()
        self.lock = threading.Lock()

    def concern(self, request: Request) -> bool:
        """Whether the request may write an item that counts."""
        return request.writes and (self._key is None or self._key in self._text(request))

    def count(self, request: Request) -> bool:
        """Whether the request would change an item that counts, if it arrived now."""
        changes = self.table.would_change(request.operation, self._text(request))
        return bool(changes) if self._key is None else self._key in changes

    def held(self) -> dict[str, Item]:
        """Return the items that count as they are now, by id."""
        if self._key is None:
            return {one["id"]: one for one in self.table.all()}
        item = self.table.get(self._key)
        return {self._key: item} if item else {}

    def _text(self, request: Request) -> str:
        """Return the request's arguments in a normal form, with the real account."""
        real = request.body.replace(self._shown, self.table.account.encode())
        return json.dumps(json.loads(real), ensure_ascii=False)


class Rival:
    """Acts once, right before the `nth` write that counts. A rule for `DynamoDBProxy.watching`."""

    def __init__(
        self,
        dynamodb_proxy: DynamoDBProxy,
        table: JobsTable,
        key: str | None,
        act: Callable[[], Any],
        nth: int = 1,
    ) -> None:
        self._writes = Writes(dynamodb_proxy, table, key)
        self._act = act
        self._nth = nth
        self._kept: dict[str, Item] = {}
        self._odd = ""
        self._counted = 0
        self.met = False
        """Whether the rival has acted."""

    def __call__(self, request: Request) -> bool:
        with self._writes.lock:
            if not self._writes.concern(request):
                return True
            if self.met:
                self._odd = self.overwritten()
            elif self._writes.count(request):
                self._counted += 1
                if self._counted == self._nth:
                    self._act()
                    self._kept, self.met = self._writes.held(), True
        return True

    def check_written_once(self, sent: str, cause: str = "") -> None:
        """The rival has not acted, so exactly one write has counted. Writes that only find out whether
        anybody comes between count too.
        """
        if self._counted != 1:
            fail(
                sent=sent,
                expected="one write that changes the row",
                got=f"{self._counted} such writes. A process that dies after its first write leaves the "
                "rest undone"
                if self._counted
                else "no such write",
                cause=cause,
            )

    def overwritten(self) -> str:
        """Return what has changed in the items since the rival wrote them, or ""."""
        now = self._writes.held()
        odd = (
            changed(self._kept.get(key, {}), now.get(key))
            for key in sorted({*self._kept, *now})
            if self._kept.get(key) != now.get(key)
        )
        return self._odd or next(odd, "")


class Successor:
    """Acts once, right before the first read that follows a write that counts.

    Correct code has no such read, because the write itself returns the item.
    """

    def __init__(
        self, dynamodb_proxy: DynamoDBProxy, table: JobsTable, key: str, act: Callable[[], Any]
    ) -> None:
        self._writes = Writes(dynamodb_proxy, table, key)
        self._key = key
        self._act = act
        self._written = False
        self.met = False
        """Whether the successor has acted."""

    def __call__(self, request: Request) -> bool:
        with self._writes.lock:
            if self._writes.concern(request):
                self._written |= self._writes.count(request)
            elif self._written and not self.met and request.names(self._key):
                self._act()
                self.met = True
        return True


class Death:
    """Lets `after` writes that count arrive, and no later write. A rule for `watching`."""

    def __init__(
        self, dynamodb_proxy: DynamoDBProxy, table: JobsTable, key: str | None, after: int
    ) -> None:
        self._writes = Writes(dynamodb_proxy, table, key)
        self._left = after
        self.came = False
        """Whether a write was held back."""

    def __call__(self, request: Request) -> bool:
        if not request.writes:
            return True
        with self._writes.lock:
            if not self._left:
                self.came = True
                return False
            if self._writes.concern(request) and self._writes.count(request):
                self._left -= 1
            return True
