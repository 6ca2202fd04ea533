"""The command that takes the README's picture of the page."""

from __future__ import annotations

import struct
from pathlib import Path

from bootcamp import paths
from bootcamp.demo import screenshot
from bootcamp.errors import BootcampError
from tests.parts import missing

PICTURE = paths.ROOT / "docs" / "status_page.png"
MOST_BYTES = 100_000


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height, as the header of a PNG says them."""
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG") and len(data) < MOST_BYTES
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_the_command_takes_the_picture(joined, tmp_path, monkeypatch):
    monkeypatch.setenv("BOOTCAMP_STATE", str(joined))
    target = tmp_path / "docs" / "page.png"
    try:
        screenshot.take(target)
    except BootcampError as error:
        if "browser" in error.message:
            missing(error.message)
        raise
    assert size_of(target) == (screenshot.WIDTH, screenshot.HEIGHT)


def test_the_readme_shows_the_picture():
    assert size_of(PICTURE) == (screenshot.WIDTH, screenshot.HEIGHT)
    assert "docs/status_page.png" in (paths.ROOT / "README.md").read_text(encoding="utf-8")
