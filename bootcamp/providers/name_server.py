"""A name server on loopback that says what it was told: DNS over UDP, for tests and graders.

Point the pipeline at it by `WEBHOOK_DNS_SERVER`. An answer may change from one question to the next,
as it does where somebody owns both a name and bad intentions.
"""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from bootcamp.ports import LOOPBACK

MAX_QUESTION_BYTES = 4096


class NameServer:
    """Answers for one `with` block: `server.say("rebind.test", ["8.8.8.8"], ["127.0.0.1"])`.

    Attributes:
        address: `127.0.0.1:port`.
        asked: the questions so far, such as `("rebind.test", "A")`, in order.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self._answers: dict[tuple[str, str], list[list[str]]] = {}
        self._failing: set[str] = set()
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, 0))
        self.address = f"{LOOPBACK}:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, name="names", daemon=True)

    def say(self, name: str, *answers: list[str]) -> None:
        """Answer with these addresses: the first time, the second time, …; the last one from then on.

        Questions for IPv4 (A) and for IPv6 (AAAA) are counted apart. An unknown name is NXDOMAIN.
        """
        with self._lock:
            for kind, version in (("A", 4), ("AAAA", 6)):
                self._answers[name, kind] = [
                    [one for one in answer if ip_address(one).version == version]
                    for answer in answers
                ]

    def fail(self, name: str) -> None:
        """Answer questions for this name with SERVFAIL: the name server cannot look it up now."""
        with self._lock:
            self._failing.add(name)

    def count(self, name: str, kind: str = "A") -> int:
        """How often this was asked."""
        return self.asked.count((name, kind))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            wire, sender = self._socket.recvfrom(MAX_QUESTION_BYTES)
            if not wire:
                return
            try:
                answer = self._answer(dns.message.from_wire(wire))
            except (dns.exception.DNSException, IndexError):
                continue
            self._socket.sendto(answer.to_wire(), sender)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        with self._lock:
            self.asked.append((name, kind))
            if name in self._failing:
                answer.set_rcode(dns.rcode.SERVFAIL)
                return answer
            known = self._answers.get((name, kind))
            if known is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
                return answer
            addresses = known.pop(0) if len(known) > 1 else known[0]
        if addresses:
            answer.answer.append(dns.rrset.from_text(question.name, 0, "IN", kind, *addresses))
        return answer
