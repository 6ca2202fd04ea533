"""The tasks that a student's tests of 8.8 are run on: right ones, and ones that break one promise each.

Each is the given task, `task_tests/invoices.py`, with some lines replaced. The promises are those of its
docstring. Lines that matter to no promise are replaced by chance, so that no table of codes tells the right
tasks from the broken ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Variant:
    """One task: the given one, with replaced lines."""

    name: str
    """The promise that it breaks. "" for a right task."""
    promise: str
    """The promise, for the card."""
    changes: tuple[tuple[str, str], ...]

    def source(self, given: str, rng: Random) -> str:
        """The task's source. The given task itself stays as it is."""
        for before, after in self.changes:
            if given.count(before) != 1:
                raise ValueError(f"{self.name}: the given task does not have {before!r} once")
            given = given.replace(before, after)
        return restyled(given, rng) if self.changes else given


def restyled(source: str, rng: Random) -> str:
    """Replace lines that matter to no promise, each with an even chance."""
    for before, after in STYLES:
        if source.count(before) == 1 and rng.random() < 0.5:
            source = source.replace(before, after.format(rng.getrandbits(32), rng.randint(51, 99)))
    return source


NUMBER = "        number = ledger.incr(LAST_NUMBER)\n"
CHECK = """    if not cents or min(cents) <= 0:
        raise ValueError("an invoice needs amounts above zero")
"""
CLOSED = """    if ledger.exists(CLOSED):
        raise LedgerClosed
"""
KNOWN = "    known = ledger.hget(INVOICES, matter)\n    if known is None:\n"
KEPT = """        ledger.hsetnx(INVOICES, matter, json.dumps(invoice))
        known = ledger.hget(INVOICES, matter)
"""
PRINTED = '    logger.info("printing invoice %s of %s", found["number"], matter)\n'

STYLES = (
    ("POLL_SECONDS = 0.05", "POLL_SECONDS = 0.0{1}"),
    ("RETRY_SECONDS = 0.2\n", "RETRY_SECONDS = 0.1{1}\n"),
    ("BUSY_SECONDS = 60", "BUSY_SECONDS = 1{1}"),
    ("TRIES = 50", "TRIES = {1}"),
    ('"ledger:last_number"', '"ledger:{0:x}"'),
    ('"ledger:invoices"', '"ledger:kept-{0:x}"'),
    (
        '{"matter": matter, "number": number, "total"',
        '{{"number": number, "matter": matter, "total"',
    ),
    (
        "while ledger.exists(BUSY) and time.monotonic() < deadline:",
        "while time.monotonic() < deadline and ledger.exists(BUSY):",
    ),
    (
        "    ledger = self.app.backend.client\n",
        "    number = {0}\n    ledger = self.app.backend.client\n",
    ),
    ("    return found\n", "    logger.debug('{0:x}')\n    return found\n"),
)
"""Lines of the given task, and what may stand in their place. A variant that changes a line keeps it."""

RIGHT = (
    Variant("", "the given task", ()),
    Variant(
        "",
        "another right task",
        (
            (
                NUMBER,
                "        with ledger.pipeline() as both:\n"
                "            both.incr(LAST_NUMBER)\n"
                "            number = both.execute()[0]\n",
            ),
            (CHECK, ""),
            (
                CLOSED,
                CHECK.replace(
                    "not cents or min(cents) <= 0", "not (cents and all(one > 0 for one in cents))"
                )
                + CLOSED,
            ),
            (PRINTED, PRINTED + '    logger.info("%s is on its way to the printer", matter)\n'),
            ("POLL_SECONDS = 0.05", "POLL_SECONDS = 0.1"),
            ('"ledger:last_number"', '"ledger:newest"'),
        ),
    ),
)

BROKEN = (
    Variant(
        "total",
        "the total is the sum of all amounts, and equal ones count each time",
        (('"total": sum(cents)', '"total": sum(set(cents))'),),
    ),
    Variant(
        "next",
        "the first invoice has the number 1, and each new one has the next number",
        ((NUMBER, "        number = ledger.incrby(LAST_NUMBER, 2) - 1\n"),),
    ),
    Variant(
        "again",
        "a matter that is issued again gets the invoice that it has",
        (
            (KNOWN, "    known = None\n    if known is None:\n"),
            (KEPT, "        known = json.dumps(invoice)\n"),
        ),
    ),
    Variant(
        "together",
        "two invoices at the same time have two numbers",
        (
            (
                NUMBER,
                "        number = int(ledger.get(LAST_NUMBER) or 0) + 1\n"
                "        time.sleep(0.05)\n"
                "        ledger.set(LAST_NUMBER, number)\n",
            ),
        ),
    ),
    Variant(
        "refused",
        "amounts that are not above zero are an error",
        (("if not cents or min(cents) <= 0:", "if not cents or min(cents) < 0:"),),
    ),
    Variant(
        "empty",
        "an invoice without amounts is an error",
        (("if not cents or min(cents) <= 0:", "if cents and min(cents) <= 0:"),),
    ),
    Variant(
        "gap",
        "a refused invoice uses up no number",
        (
            (CHECK, ""),
            (
                NUMBER,
                NUMBER
                + CHECK.replace("    if", "        if").replace("    raise", "        raise"),
            ),
        ),
    ),
    Variant(
        "closed",
        "while the ledger is closed, the task waits",
        (("    autoretry_for=(LedgerClosed,),\n", ""),),
    ),
    Variant(
        "killed",
        "if the worker is killed while it prints, the next worker issues the invoice",
        (("    acks_late=True,\n", ""),),
    ),
    Variant(
        "private",
        "the log has none of the amounts",
        (
            (
                PRINTED,
                '    logger.info("printing invoice %s of %s", found["number"], matter)\n'
                '    logger.info("amounts: %s", cents)\n',
            ),
        ),
    ),
)
