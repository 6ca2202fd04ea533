"""Leaving the process before the grader has an answer."""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family

GONE_AT_THE_THIRD = """
import os

_uploads = 0
_take_in = take_in


async def take_in(request):
    global _uploads
    _uploads += 1
    if _uploads == 3:
        os._exit(0)
    return await _take_in(request)
"""

CHEATS = of_family(
    "leaving",
    [
        Cheat(
            name="os-exit-with-success",
            loses=("3.2",),
            story="Ends the process with exit code 0, which many graders take for success.",
            says=("the process ended",),
            files=instead("3.2", "import os\nos._exit(0)"),
        ),
        Cheat(
            name="sys-exit-at-import",
            loses=("1.1", "1.2"),
            story="Leaves while it is imported, before any check could run.",
            says=("SystemExit",),
            files=instead("1.1", also="import sys\nsys.exit(0)\n"),
        ),
        Cheat(
            name="pytest-skip",
            loses=("3.2",),
            story="Raises pytest's own word for `this test does not count`.",
            says=("Skipped",),
            files=instead(
                "3.2", "import pytest\npytest.skip('not today', allow_module_level=True)"
            ),
        ),
        Cheat(
            name="exit-hook-that-answers",
            loses=("3.2",),
            story="Leaves, and lets an exit hook write an answer where answers go.",
            says=("came back",),
            files=instead(
                "3.2",
                """
                import atexit, json, os, sys
                answer = json.dumps({"id": 2, "ok": True, "value": []}).encode() + b"\\n"
                def last_words():
                    for descriptor in range(3, 20):
                        try:
                            os.write(descriptor, answer)
                        except OSError:
                            pass
                    os._exit(0)
                atexit.register(last_words)
                sys.exit(0)
                """,
            ),
        ),
        Cheat(
            name="worker-that-exits",
            loses=("1.2",),
            story="The task ends its worker process instead of doing its work.",
            says=("WorkerLostError",),
            files=instead("1.2", "import os\nos._exit(0)"),
            keeps=("1.1",),
        ),
        Cheat(
            name="api-that-exits",
            loses=("2.1",),
            story="The API ends at the first upload: whoever waits for its answer waits in vain.",
            says=("Server disconnected",),
            files=instead("2.1", "import os\nos._exit(0)"),
        ),
        Cheat(
            name="api-that-exits-after-the-first-checks",
            loses=("2.1",),
            story="The API does its work for two uploads and is gone at the third: a grader that "
            "measures the process by its id finds none.",
            says=("came back",),
            files=instead("2.1", also=GONE_AT_THE_THIRD),
        ),
        Cheat(
            name="worker-that-kills-its-node",
            loses=("1.2",),
            story="The task kills the worker node, so that a grader that pauses it, or counts its "
            "children, finds no such process.",
            says=("came back",),
            files=instead("1.2", "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(60)"),
        ),
    ],
)
