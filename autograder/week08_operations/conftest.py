"""What week 8's graders share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Settings of the student's processes. The API asks for keys only where item 8.5 is checked, so the
    other items can be done first.
    """
    return {"API_KEYS": "off"}
