"""`GET /news/trends.png`: the trends of the newest window as a picture. Given to students complete."""

from __future__ import annotations

import psycopg
from fastapi import APIRouter
from fastapi.responses import Response

from pipeline.api.responses import error_responses
from pipeline.news.errors import NewsUnavailable
from pipeline.news.trend_model import Trend, Window
from pipeline.news.trend_plot import draw
from pipeline.steps.database import connection

NEWEST = (
    "SELECT window_start, window_end, terms FROM news_trends ORDER BY window_start DESC LIMIT 1"
)
HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}

router = APIRouter(tags=["news"])


@router.get(
    "/news/trends.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **error_responses(NewsUnavailable)},
)
def trends_picture() -> Response:
    """Draw the newest trends. FastAPI runs this in a thread, so other requests do not wait.

    Raises:
        NewsUnavailable: PostgreSQL fails (503 with `Retry-After`).
    """
    try:
        with connection() as database:
            row = database.execute(NEWEST).fetchone()
    except psycopg.OperationalError as error:
        raise NewsUnavailable from error
    window = Window(row[0], row[1]) if row else None
    trends = [Trend(**term) for term in row[2]] if row else []
    return Response(draw(window, trends), media_type="image/png", headers=HEADERS)
