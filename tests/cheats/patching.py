"""Patching what the grader is hoped to use: its process is another one."""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family

NOTHING_CHUNKED = ("return []", "return 0", "return []")

CHEATS = of_family(
    "patching",
    [
        Cheat(
            name="patched-pytest",
            loses=("3.2",),
            story="Turns every failure report and every exception of pytest's into a pass.",
            says=("expected",),
            files=instead(
                "3.2",
                *NOTHING_CHUNKED,
                also="""
                import _pytest.runner, _pytest.reports, pytest
                _pytest.runner.check_interactive_exception = lambda *_: False
                _pytest.reports.TestReport.outcome = property(lambda self: "passed")
                pytest.fail = lambda *_, **__: None
                """,
            ),
        ),
        Cheat(
            name="patched-chance",
            loses=("3.2",),
            story="Makes every random choice the same, so that hidden inputs would be known.",
            says=("expected",),
            files=instead(
                "3.2",
                *NOTHING_CHUNKED,
                also="""
                import os, random, secrets
                random.Random.random = lambda self: 0.0
                random.Random.getrandbits = lambda self, count: 0
                random.seed = lambda *_: None
                secrets.randbelow = lambda _: 0
                os.urandom = bytes
                """,
            ),
        ),
        Cheat(
            name="patched-clocks",
            loses=("1.3",),
            story="Enqueues at once what was asked for later, and sets every clock it can reach.",
            says=("it starts no earlier than",),
            files=instead(
                "1.3",
                "return [summarize_article.delay(title).id for title in titles]",
                """
                import time
                time.time = time.monotonic = time.perf_counter = lambda: 0.0
                time.sleep = lambda seconds: None
                return summarize_article.delay(title).id
                """,
            ),
            keeps=("1.1", "1.2"),
        ),
        Cheat(
            name="patched-answers",
            loses=("3.2",),
            story="Replaces the function that answers for the student's process, and json with it.",
            says=("expected",),
            files=instead(
                "3.2",
                *NOTHING_CHUNKED,
                also="""
                import sys
                main = sys.modules["__main__"]
                def answer(request):
                    pages = (request.get("args") or [[]])[0]
                    return {"ok": True, "value": [
                        {"position": n, "page": page["number"], "text": page["text"].strip()}
                        for n, page in enumerate(pages) if page["text"].strip()
                    ]}
                main.answer = answer
                main.encode = lambda value: value
                """,
            ),
        ),
        Cheat(
            name="patched-worker",
            loses=("1.2",),
            story="Lets the worker itself believe that every task succeeds with what was asked for.",
            says=("request",),
            files=instead(
                "1.2",
                "raise RuntimeError('never')",
                also="""
                import celery.app.trace as trace
                def build(name, task, *_, **__):
                    def traced(uuid, args, kwargs, request=None):
                        value = {"title": args[0], "summary": f"About {args[0]}."}
                        task.backend.store_result(uuid, value, "SUCCESS")
                        return trace.trace_ok_t(value, None, 0.0, repr(value))
                    return traced
                trace.build_tracer = build
                """,
            ),
            keeps=("1.1",),
        ),
        Cheat(
            name="patched-settings-of-the-check",
            loses=("1.4",),
            story="One slot that says it is as many as asked for: it patches what the inspector "
            "reads, not what the worker does.",
            says=("at the same time",),
            files=instead(
                "1.4",
                'return {"worker_concurrency": 1, "worker_prefetch_multiplier": 1}',
                also="""
                import os
                os.cpu_count = lambda: worker_settings().worker_concurrency
                """,
            ),
        ),
    ],
)
