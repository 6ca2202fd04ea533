"""One SMTP connection (RFC 5321), as far as a client that sends mail needs it.

The user name of `AUTH` is the account; any password is right. Faults name a stage in `on`:

    auth       the login
    sender     MAIL FROM
    recipient  each RCPT TO; `matching` looks at the address
    data       the command DATA
    message    the message has arrived and is not accepted yet; `matching` looks at the message
    reply      the message is accepted and recorded, and its 250 has not been sent
    after      the 250 has been sent

`Fault.status(421)` answers 421 and closes the connection, as a server that shuts down does. Other
codes refuse the command. `drop` closes the connection, `slow` waits first, `timeout` never answers.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

from bootcamp.providers.accounts import Account, Accounts
from bootcamp.providers.faults import Fault

MAX_LINE_BYTES = 16 * 1024
MAX_MESSAGE_BYTES = 1024 * 1024
MAX_RECIPIENTS = 100
MAX_CONNECTIONS = 200
IDLE_SECONDS = 60.0
"""A connection that sends nothing for so long is closed with 421."""
CLOSING = 421
EXTENSIONS = (f"SIZE {MAX_MESSAGE_BYTES}", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN")
PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>", re.IGNORECASE)


class _LeaveError(Exception):
    """The connection is over."""


@dataclass(slots=True)
class Transaction:
    """One message on its way in, from MAIL FROM on."""

    sender: str
    started: float = field(default_factory=time.monotonic)
    recipients: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    content: bytes = b""
    stage: str = "sender"
    fault: Fault | None = None


class Connections:
    """All open connections, bounded in number."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection until it ends."""
        if len(self._writers) >= MAX_CONNECTIONS:
            writer.write(b"421 Too many connections\r\n")
            writer.close()
            return
        self._writers.add(writer)
        try:
            await Session(self._accounts, reader, writer).run()
        finally:
            self._writers.discard(writer)
            writer.close()

    def close(self) -> None:
        """Drop all connections."""
        for writer in tuple(self._writers):
            writer.transport.abort()


class Session:
    """The commands of one connection, one after another."""

    def __init__(
        self, accounts: Accounts, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._accounts = accounts
        self._reader = reader
        self._writer = writer
        self._account: Account | None = None
        self._mail: Transaction | None = None
        self._last = 0

    async def run(self) -> None:
        """Serve until the client quits, is gone, idle, or a fault ends it."""
        try:
            await self._reply(220, "mail sink ESMTP")
            while True:
                verb, _, rest = (await self._line()).partition(" ")
                await self._command(verb.upper(), rest)
        except TimeoutError:
            with suppress(OSError, _LeaveError):
                await self._reply(CLOSING, "Idle for too long")
        except (_LeaveError, OSError, EOFError, ValueError):
            pass  # the client left, or sent what is no line of SMTP
        finally:
            self._note(CLOSING if self._last == CLOSING else None)

    async def _command(self, verb: str, rest: str) -> None:
        match verb:
            case "EHLO":
                self._note(None)
                await self._reply(250, "mail sink", *EXTENSIONS)
            case "HELO":
                self._note(None)
                await self._reply(250, "mail sink")
            case "AUTH":
                await self._login(rest)
            case "MAIL":
                await self._sender(rest)
            case "RCPT":
                await self._recipient(rest)
            case "DATA":
                await self._data()
            case "RSET":
                self._note(self._last or None)
                await self._reply(250, "OK")
            case "NOOP":
                await self._reply(250, "OK")
            case "VRFY":
                await self._reply(252, "Cannot verify")
            case "QUIT":
                self._note(self._last or None)
                await self._reply(221, "Bye")
                raise _LeaveError
            case _:
                await self._reply(502, "Not implemented")

    async def _login(self, rest: str) -> None:
        mechanism, _, first = rest.partition(" ")
        try:
            if mechanism.upper() == "PLAIN":
                words = _decoded(first or await self._ask("")).split("\0")
                user = words[1]
            elif mechanism.upper() == "LOGIN":
                user = _decoded(first or await self._ask("VXNlcm5hbWU6"))
                await self._ask("UGFzc3dvcmQ6")
            else:
                return await self._reply(504, "AUTH PLAIN or LOGIN")
        except (binascii.Error, UnicodeDecodeError, IndexError):
            return await self._reply(501, "Not base64")
        if not user:
            return await self._reply(535, "A user name is needed")
        account = self._accounts.of_traffic(user)
        if not await self._faulty(account.meet("auth", (user,))):
            self._account = account
            await self._reply(235, "Welcome")

    async def _sender(self, rest: str) -> None:
        path = PATH.match(rest)
        if self._account is None:
            return await self._reply(530, "Authentication required")
        if self._mail is not None:
            return await self._reply(503, "A transaction is open")
        if path is None:
            return await self._reply(501, "MAIL FROM:<address>")
        self._mail = Transaction(path[1])
        if await self._stage("sender", path[1]):
            self._note(self._last)
        else:
            await self._reply(250, "OK")

    async def _recipient(self, rest: str) -> None:
        path, mail = PATH.match(rest), self._mail
        if mail is None:
            return await self._reply(503, "MAIL first")
        if path is None or not path[1]:
            return await self._reply(501, "RCPT TO:<address>")
        if len(mail.recipients) >= MAX_RECIPIENTS:
            return await self._reply(452, "Too many recipients")
        if await self._stage("recipient", path[1]):
            mail.refused.append(path[1])
        else:
            mail.recipients.append(path[1])
            await self._reply(250, "OK")

    async def _data(self) -> None:
        mail = self._mail
        if mail is None or not mail.recipients:
            return await self._reply(503, "RCPT first")
        if await self._stage("data", mail.sender):
            return self._note(self._last)
        await self._reply(354, "End with a line that has only a dot")
        content = await self._content()
        if content is None:
            await self._reply(552, "Message too large")
            return self._note(self._last)
        mail.content = content
        if await self._stage("message", content.decode(errors="replace")):
            return self._note(self._last)
        await self._accepted(mail, content.decode(errors="replace"))

    async def _accepted(self, mail: Transaction, text: str) -> None:
        """Record the message, which is the sink's from now on, and then say so."""
        assert self._account is not None
        mail.stage = "accepted"
        lost = self._account.meet("reply", (text,))
        mail.fault = lost or mail.fault
        self._note(None if lost and lost.kind in ("drop", "timeout") else 250)
        if not await self._faulty(lost):
            await self._reply(250, "OK")
        await self._faulty(self._account.meet("after", (text,)))

    async def _content(self) -> bytes | None:
        """Read up to the line with a dot. None: it is larger than a message may be."""
        content = bytearray()
        while (line := await self._raw_line()) != b".\r\n":
            if len(content) <= MAX_MESSAGE_BYTES:
                content += line[1:] if line.startswith(b".") else line
        return None if len(content) > MAX_MESSAGE_BYTES else bytes(content)

    # -- faults and the journal ---------------------------------------------------------------

    async def _stage(self, stage: str, text: str) -> bool:
        """Enter a stage of the transaction. True: a fault has answered instead."""
        assert self._account is not None and self._mail is not None
        self._mail.stage = stage
        fault = self._account.meet(stage, (text,))
        self._mail.fault = fault or self._mail.fault
        return await self._faulty(fault)

    async def _faulty(self, fault: Fault | None) -> bool:
        """Do what the fault says. True: the command is answered."""
        if fault is None:
            return False
        if fault.seconds > 0:
            await asyncio.sleep(fault.seconds)
        if fault.kind in ("drop", "timeout"):
            self._last = 0
            self._writer.transport.abort()
            raise _LeaveError
        if fault.kind == "status":
            await self._reply(fault.answer, fault.body or "As scripted")
            if fault.answer == CLOSING:
                raise _LeaveError
            return True
        return False

    def _note(self, status: int | None) -> None:
        """Write the open transaction into the journal, and end it."""
        mail, self._mail = self._mail, None
        if mail is None or self._account is None:
            return
        entry = self._account.note(
            "mail",
            mail.fault,
            len(mail.content),
            started=mail.started,
            stage=mail.stage,
            sender=mail.sender,
            recipients=mail.recipients,
            refused=mail.refused,
            content=base64.b64encode(mail.content).decode(),
            received_at=time.time(),
        )
        self._account.finish(entry, status)

    # -- lines --------------------------------------------------------------------------------

    async def _line(self) -> str:
        return (await self._raw_line()).decode("utf-8", "replace").rstrip("\r\n")

    async def _raw_line(self) -> bytes:
        async with asyncio.timeout(IDLE_SECONDS):
            return await self._reader.readuntil(b"\r\n")

    async def _ask(self, challenge: str) -> str:
        await self._reply(334, challenge)
        return await self._line()

    async def _reply(self, code: int, *lines: str) -> None:
        self._last = code
        text = [f"{code}-{line}\r\n" for line in lines[:-1]] + [f"{code} {lines[-1]}\r\n"]
        self._writer.write("".join(text).encode())
        await self._writer.drain()


def _decoded(word: str) -> str:
    return base64.b64decode(word.encode(), validate=True).decode()
