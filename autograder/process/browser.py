"""A real browser that runs the submission's page, in the submission's sandbox.

The scripts of a page are as hostile as any other code of a submission. So the browser runs inside the
same walls as its API, reaches no other network, and has no rights of the grader. Playwright talks to it
through a pipe, which no page can reach. Its address space is not limited, because Chromium reserves much
more than it uses; the session watches the memory of its processes instead.

A page that keeps the browser busy does not keep the grader: after a time the browser is ended, and every
call to it raises. `fault_attribution.py` makes a card of that.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from autograder.card import Card, CheckFailed, Unavailable
from autograder.process.empty_page import emptied
from autograder.sandbox.memory import family
from autograder.sandbox.tiers import Sandbox, Tier, can_change_user, new_user, strongest
from bootcamp.stack.browser import ADVICE, find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

START_SECONDS = 60.0
"""A cold start of Chromium on a busy machine takes long."""
PAGE_SECONDS = 60.0
"""After this the browser is ended, whatever the page does. Below the limit of a test."""
ACTION_SECONDS = 10.0
"""How long a click or a look at the page may take."""
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # Names are not resolved, so a page reaches addresses of its own network at most.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
READABLE = (
    "/etc/chromium",
    "/etc/chromium.d",
    "/etc/fonts",
    "/opt/google",
    "/opt/microsoft",
    "/var/cache/fontconfig",
)
"""What a browser and the library of fonts read, beside their programs."""
SYSTEM_INFORMATION = ("/proc", "/sys")
"""Chromium reads about its own processes there. Bubblewrap has a `/proc` of its own."""
QUIET = "for (const name of Object.keys(console)) console[name] = () => {}; Object.freeze(console);"
"""Nobody reads what a page writes to the console, and a flood of it would keep the browser busy."""


def walls_of_browser(walls: Sandbox, home: Path) -> Sandbox:
    """The sandbox of the browser: the submission's. Where the submission has none, as in `bootcamp
    check`, root gets one for the browser alone, because a browser must not run as root.

    Raises:
        Unavailable: root, and no sandbox that works.
    """
    if walls.tier is not Tier.LIMITS or os.geteuid() != 0:
        return walls
    tier = strongest()
    if not can_change_user(tier):
        raise missing(
            "this is root, and no sandbox in which a browser could run as somebody else",
            "Run the check as a user who is not root.",
        )
    own = Sandbox(tier, new_user(), write=(home,))
    own.give(home)
    own.open_way((home.parent,))
    return own


def missing(what: str, advice: str) -> Unavailable:
    """The error for a machine on which no page can be opened."""
    return Unavailable(
        Card(
            expected="a browser on this machine: Chrome, Chromium or Edge",
            got=what,
            cause=f"nothing is wrong with the page, and no points are lost. {advice}",
        ).cleaned()
    )


class Chrome:
    """The browser of one grading run. Started at the first page, and again if it was ended.

    Args:
        walls: the sandbox of the submission.
        folder: a folder of the run, for this class alone.
    """

    def __init__(self, walls: Sandbox, folder: Path) -> None:
        self._walls = walls
        self._folder = folder
        self._home = folder / "home"
        self._pid_file = folder / "pid"
        self._exit = ExitStack()
        self._browser: Browser | None = None
        self._kept: Page | None = None
        self.ended = ""
        """Why the browser was ended before its time, or ""."""
        self._over = ""

    @property
    def pid(self) -> int:
        """The process id of the browser, or of its sandbox; 0 if there is none."""
        with suppress(OSError, ValueError):
            return int(self._pid_file.read_text())
        return 0

    def end(self, reason: str) -> None:
        """End the browser for good: a submission that exceeded a limit is not started again."""
        self._over = reason
        self.kill(reason)

    def kill(self, reason: str) -> None:
        """End the browser at once. Safe to call from another thread."""
        self.ended = reason
        if pid := self.pid:
            processes = family(pid)  # some of a browser's have groups of their own
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)  # Playwright makes a group of it
            for process in processes:
                with suppress(psutil.Error):
                    process.kill()

    @contextmanager
    def page(self, *, own: bool = False) -> Iterator[Page]:
        """Open a page. The next one is the same, emptied, because a new one takes a second of CPU time.

        Args:
            own: whether it is closed afterwards, since the check changes more than its document.

        Raises:
            Unavailable: there is no browser that starts.
        """
        self.start()
        limit = threading.Timer(
            PAGE_SECONDS, self.kill, [f"the page kept it busy for {PAGE_SECONDS:g} s"]
        )
        limit.daemon = True
        limit.start()
        page, self._kept = None if own else self._kept, None
        try:
            page = page or self._new_page()
            yield page
            if own or not emptied(page):
                page.context.close()
            else:
                self._kept = page
        except BaseException:
            self.close()  # the page may be stuck, so nothing is asked of it
            raise
        finally:
            limit.cancel()

    def _new_page(self) -> Page:
        """A page in a profile of its own."""
        assert self._browser is not None
        profile = self._browser.new_context(accept_downloads=False)
        profile.set_default_timeout(ACTION_SECONDS * 1000)
        profile.add_init_script(QUIET)
        return profile.new_page()

    def start(self) -> None:
        """Start the browser, if it is not running.

        Raises:
            Unavailable: there is no browser that starts.
        """
        if self._over:
            raise CheckFailed(Card(got="all of its processes were ended", cause=self._over))
        if self._browser is None or not self._browser.is_connected():
            self.close()
            self._browser = self._start()

    def _start(self) -> Browser:
        found = find_browser()
        if found is None:
            raise missing("none was found", ADVICE)
        try:
            from playwright.sync_api import Error, sync_playwright
        except ImportError:
            raise missing("Playwright is not installed", "Run `make setup`.") from None
        self.ended = ""
        self._home.mkdir(parents=True, exist_ok=True)
        walls = walls_of_browser(self._walls, self._home)
        try:
            playwright = self._exit.enter_context(sync_playwright())
        except Error as error:  # in a program that runs an event loop, such as a notebook
            raise missing("Playwright does not start", f"It said: {error}") from error
        program, said = self._program(found, walls), ""
        for own_sandbox in _ways(walls):
            try:
                return playwright.chromium.launch(
                    executable_path=program,
                    args=FLAGS,
                    chromium_sandbox=own_sandbox,
                    env=self._environment(walls),
                    timeout=START_SECONDS * 1000,
                )
            except Error as error:
                said = str(error).strip()[-400:]
        self.close()
        raise missing(f"{found} does not start", f"It said: {said}")

    def _program(self, found: Path, walls: Sandbox) -> Path:
        """A script that notes its process id, and becomes the browser in its sandbox."""
        readable = [*READABLE, str(found), *_around(found)]
        if walls.tier is Tier.LANDLOCK:
            readable += SYSTEM_INFORMATION
        words = [str(found)]
        if walls.tier is not Tier.LIMITS:
            words = walls.command(words, readable, memory_watched=True)
        script = self._folder / "browser.sh"
        # Playwright's own profile is in a folder that the sandbox cannot reach. The last option wins.
        profile = shlex.quote(str(self._home_of(walls) / "browser"))
        script.write_text(
            f"#!/bin/sh\necho $$ > {shlex.quote(str(self._pid_file))}\n"
            f'exec {shlex.join(words)} "$@" --user-data-dir={profile}-$$\n'
        )
        script.chmod(0o755)
        return script

    def _home_of(self, walls: Sandbox) -> Path:
        return walls.write[0] if walls.write else self._home

    def _environment(self, walls: Sandbox) -> dict[str, str | float | bool]:
        home = str(self._home_of(walls))
        # Chromium has a socket in TMPDIR, and a socket's path has at most 107 bytes.
        temporary = "/tmp" if walls.tier is Tier.BUBBLEWRAP else home  # noqa: S108 - the sandbox's own
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": home,
            "TMPDIR": temporary,
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }

    def close(self) -> None:
        """End the browser."""
        self._browser = self._kept = None
        ended = self.ended
        self.kill(ended)
        with suppress(Exception):  # the browser is gone already
            self._exit.close()
        self._exit = ExitStack()
        self._pid_file.unlink(missing_ok=True)


def _ways(walls: Sandbox) -> tuple[bool, ...]:
    """Whether Chromium sets up its own sandbox (`--no-sandbox` if not): what to try, in this order.

    Its own sandbox needs namespaces, which seccomp refuses inside of ours. There the walls around the
    submission hold it, so it does without. In `bootcamp check` on one's own code it has its own where the
    system allows that.
    """
    return (True, False) if walls.tier is Tier.LIMITS else (False,)


def _around(found: Path) -> list[str]:
    """The folder in which a browser's program really lies, if it is not the system's."""
    folder = found.resolve().parent
    return [] if folder.is_relative_to("/usr") else [str(folder)]
