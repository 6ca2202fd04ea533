"""The shop's tasks as they were on Monday."""

from shop import app


@app.task
def shrink(photo: str) -> str:
    return f"{photo}, smaller"


@app.task(name="shop.turn")
def turn(photo: str) -> str:
    return f"{photo}, turned"
