"""The shop's tasks on Monday."""

from celery import Celery
from shop import configuration

app = Celery("shop")
app.add_defaults(configuration)


@app.task
def shrink(document: str) -> str:
    return f"{document}, smaller"


@app.task(name="shop.turn")
def turn(document: str) -> str:
    return f"{document}, turned"
