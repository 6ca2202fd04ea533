"""Week 8 on stage: a client without a key gets nothing."""

from __future__ import annotations

import httpx

from bootcamp.demo.stage import DemoFailed, Scene, Stage

ASKED = (
    ("GET", "/jobs"),
    ("GET", "/search?q=lens"),
    ("GET", "/events"),
    ("POST", "/documents"),
    ("GET", "/"),
)
REFUSED = 401
GUESS = f"bk_{'0' * 12}_{'0' * 64}"
SECONDS = 10.0


def a_stranger_is_refused(stage: Stage) -> None:
    """Ask without a key and with an invented one."""
    address = stage.report.addresses["API"]
    with httpx.Client(base_url=address, timeout=SECONDS, trust_env=False) as stranger:
        for headers in ({}, {"Authorization": f"Bearer {GUESS}"}):
            for method, path in ASKED:
                status = stranger.request(method, path, headers=headers).status_code
                if status != REFUSED:
                    raise DemoFailed(f"{method} {path}: a stranger gets {status}, not {REFUSED}.")
    stage.tell(
        "A stranger asks, and is refused",
        f"{len(ASKED)} routes, without a key and with an invented one: {REFUSED} each time",
    )


SCENES: tuple[Scene, ...] = (a_stranger_is_refused,)
