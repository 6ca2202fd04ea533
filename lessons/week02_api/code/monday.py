"""The shop's tasks as they were on Monday."""

from celery import Celery
from shop import configuration

app = Celery("shop")
app.add_defaults(configuration)


@app.task
def shrink(photo: str) -> str:
    return f"{photo}, smaller"


@app.task(name="shop.turn")
def turn(photo: str) -> str:
    return f"{photo}, turned"
