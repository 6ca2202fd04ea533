"""The exercise before anybody has written a line: it starts, says what is missing, and the rest works."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from bootcamp.course.layers import Layer, Source
from tests.week07.conftest import LAYERS, WEEK, serving


@pytest.fixture(scope="module")
def api(stack, tmp_path_factory):
    layers = (Layer(WEEK, Source.STUDENT, WEEK.exercises), *LAYERS[1:])
    folder = tmp_path_factory.mktemp("apps")
    with stack.isolated() as run, serving(run, folder, workers=0, layers=layers) as api:
        yield api


def test_what_is_given_works(api):
    row = api.put_row()
    assert api.http.get("/jobs").json()["jobs"][0]["job_id"] == row["id"]
    assert api.submit().status_code == 202
    assert api.http.post(f"/jobs/{row['id']}/cancel").status_code == 200
    assert api.http.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/events", "/stats", "/hello"])
def test_what_is_not_is_an_error_and_no_hang(api, path):
    try:
        # a connection of its own: uvicorn closes one after an error
        answer = httpx.get(f"{api.apps.api_url}{path}", timeout=10, trust_env=False)
    except Exception as error:
        assert path == "/hello", error  # the stream has begun when the greeting is asked for
    else:
        assert answer.status_code == 500 or path == "/hello"


def test_the_page_names_the_first_thing_to_do(api, new_page):
    page = new_page()
    page.goto(str(api.http.base_url))
    expect(page.get_by_role("heading", name="Documents")).to_be_visible()
    expect(page.get_by_role("alert").first).to_have_text(re.compile(r"7\.\d is not done yet"))
    expect(page.get_by_label("Choose documents")).to_be_attached()
