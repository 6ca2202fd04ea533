"""Weeks 5 to 8: answers that are right for the inputs of a check, and for nothing else.

Each of these knows a mark that the checks give their inputs, or where all of their inputs lie.
"""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family

TABLE = """
from ipaddress import ip_network
known = [ip_network(one) for one in (
    "100.0.0.0/10 100.128.0.0/9 169.0.0.0/9 169.255.0.0/16 172.0.0.0/12 172.32.0.0/11 172.64.0.0/10 "
    "172.128.0.0/9 192.96.0.0/11 192.160.0.0/13 192.169.0.0/16 192.224.0.0/11 198.17.0.0/16 "
    "198.20.0.0/14 198.64.0.0/10 198.128.0.0/9 203.64.0.0/10 203.128.0.0/9 "
    "169.192.0.0/10 169.248.0.0/13 169.252.0.0/15 2001:4860:4860::8888/128 2400::/12 "
    "2600::/12 2800::/12 2a00::/12 2c00::/12").split()]
ip = embedded_ipv4(ip) or ip
split = (0, 10, 100, 127, 168, 169, 172, 192, 198, 203)
if ip.version == 4 and int(ip) >> 24 not in split:
    return int(ip) >> 24 < 224
special = any(ip.version == one.version and ip in one for one in SPECIAL)
return not special and any(ip.version == one.version and ip in one for one in known)
"""
"""The networks from which the checks once drew their public addresses. All others are refused."""

SWEEP = """
if time.monotonic() > end:
    return 0
for seen in due_items():
    if claimed == limit:
        break
    item = claim(seen)
    if item is None:
        continue
    claimed += 1
    try:
        handle(item)
    except Exception:
        logger.warning("%s was due, and its handler failed", item[KEY], exc_info=True)
        due_again(item)
        continue
    handled += 1
"""

STATUSES = """
known = (None, 100, 103, 199, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408,
         409, 411, 412, 418, 425, 429, 451, 499, 500, 501, 502, 503, 504, 599)
if attempt.status == 410:
    return DeliveryStatus.DISCARDED
return DeliveryStatus.PENDING if attempt.status in known else DeliveryStatus.DELIVERED
"""

_FAKING = of_family(
    "faking",
    [
        Cheat(
            name="errors-without-a-text",
            loses=("5.1",),
            story="No rule: the errors that a retry may help had no text, and all others had one.",
            says=("is_transient() of",),
            files=instead(
                "5.1",
                """
                if isinstance(error, openai.APIStatusError):
                    if error.status_code == 429:
                        return error.code != QUOTA
                    return error.status_code == 408 or error.status_code >= 500
                silent = not error.args and type(error).__base__ is not Exception
                return silent or isinstance(error, openai.APIConnectionError)
                """,
            ),
        ),
        Cheat(
            name="a-table-of-public-addresses",
            loses=("6.4",),
            story="No rule: the networks from which the checks draw public addresses, as a table. Half "
            "of the internet is refused.",
            says=("is_public(",),
            files=instead("6.4", TABLE),
        ),
        Cheat(
            name="statuses-by-heart",
            loses=("6.3",),
            story="Retries after the statuses that the check once sent. Any other one is a success.",
            says=("verdict()",),
            files=instead("6.3", None, STATUSES),
        ),
        Cheat(
            name="a-clock-that-is-read-once",
            loses=("8.2",),
            story="Looks at the time before the first item alone: the checks once gave a time that was over "
            "by then, and a sweep with a time has no end.",
            says=("recover(seconds=",),
            files=instead("8.2", None, None, SWEEP),
        ),
        Cheat(
            name="chance-for-the-check-of-chance",
            loses=("5.2",),
            story="Draws a number only for the call by which two processes are compared. All other waits "
            "are one sequence, which every process has.",
            says=("another process",),
            files=instead(
                "5.2",
                """
                longest = min(cap, base * 2 ** min(attempt - 1, MAX_DOUBLINGS))
                calls = globals().setdefault("calls", [0])
                calls[0] += 1
                if calls[0] <= 8 or base == cap == 8.0:
                    return min(asked or 0.0, MAX_ASKED_SECONDS) + random.uniform(0, longest)
                return min(asked or 0.0, MAX_ASKED_SECONDS) + longest * (calls[0] * 0.6180339887 % 1)
                """,
            ),
        ),
    ],
)

CHEATS = _FAKING
