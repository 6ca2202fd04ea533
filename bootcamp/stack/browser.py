"""Finds a browser on this machine for week 7: Chrome, Chromium or Edge."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "BOOTCAMP_BROWSER"
"""The path of a browser that is used in place of those that this module knows."""
COMMANDS = (
    "chromium-headless-shell",  # has no windows at all, so the check is two seconds faster
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "microsoft-edge",
    "microsoft-edge-stable",
)
APPLICATIONS = ("Google Chrome", "Chromium", "Microsoft Edge")
"""Their names on macOS."""
DOWNLOADS = (".cache/ms-playwright", "Library/Caches/ms-playwright")
"""Where `playwright install chromium` puts its own."""
DOWNLOADED = (
    "chromium_headless_shell-*/*/chrome-headless-shell",
    "chromium_headless_shell-*/*/headless_shell",
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
)
ADVICE = (
    "Install Chrome, Chromium or Edge, or run `playwright install chromium`. "
    f"If yours is in an unusual place, set {VARIABLE} to its path."
)


def find_browser() -> Path | None:
    """The browser that checks use; None if there is none, or if the one of `VARIABLE` is missing."""
    if asked := os.environ.get(VARIABLE):
        return Path(asked) if os.access(asked, os.X_OK) and Path(asked).is_file() else None
    return next(_installed(), None)


def _installed() -> Iterator[Path]:
    """Every browser that this module knows how to find."""
    yield from (Path(path) for path in map(shutil.which, COMMANDS) if path)
    if sys.platform == "darwin":
        for name in APPLICATIONS:
            path = Path(f"/Applications/{name}.app/Contents/MacOS/{name}")
            if path.is_file():
                yield path
    for folder in DOWNLOADS:
        for pattern in DOWNLOADED:
            # the newest first: the folders end with a number that grows
            yield from sorted((Path.home() / folder).glob(pattern), reverse=True)
