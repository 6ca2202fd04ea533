"""What week 9's graders share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Settings of the student's processes. The API asks for no keys, because week 8 checks them."""
    return {"API_KEYS": "off"}
