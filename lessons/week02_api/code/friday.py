"""The same tasks on Friday: somebody has tidied up and moved them to another module."""

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
