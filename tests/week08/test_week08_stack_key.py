"""The stack's own key: one is made at each start, and none while item 8.5 is not written."""

from __future__ import annotations

import httpx
import pytest

from bootcamp.course.layers import Layer, Source, reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack.apps import Apps
from bootcamp.stack.keys import key_variables
from tests.week08.conftest import LAYERS, WEEK

pytestmark = pytest.mark.usefixtures("wired_as_in_week_eight")

OPEN = {"API_KEYS": "off"}


def test_the_key_of_the_last_start_is_replaced(run, tmp_path):
    keys = []
    for number in range(2):
        with Apps(run.environment(), LAYERS, workers=0, state=tmp_path / str(number)) as apps:
            keys.append(str(apps.api_key))
            statuses = []
            for key in keys:
                headers = {"Authorization": f"Bearer {key}"}
                answer = httpx.get(f"{apps.api_url}/jobs", headers=headers, trust_env=False)
                statuses.append(answer.status_code)
            logs = "".join(path.read_text() for path in (tmp_path / str(number)).glob("*.log"))
            assert key.split("_")[2] not in logs
    assert statuses == [401, 200]


def test_without_item_8_5_nobody_needs_a_key(run, tmp_path):
    own = (Layer(WEEK, Source.STUDENT, WEEK.exercises), *LAYERS[1:])
    assert key_variables(own) == OPEN
    assert key_variables(LAYERS) == key_variables(reference_layers(find_week("7"))) == {}
    with Apps(run.environment(), own, workers=0, state=tmp_path) as apps:
        assert apps.api_key is None and apps.headers == {}
        assert httpx.get(f"{apps.api_url}/jobs", trust_env=False).status_code == 200


def test_production_is_never_open(monkeypatch):
    import pytest
    from pydantic import ValidationError

    from pipeline.keys.settings import KeySettings

    monkeypatch.setenv("API_KEYS", "off")
    monkeypatch.delenv("APP_ENV", raising=False)
    with pytest.raises(ValidationError, match="only with APP_ENV=development"):
        KeySettings()
