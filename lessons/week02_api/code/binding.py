"""A task that fails two functions deep."""

from shop import app

SHEETS_PER_MM = {"A4": 10, "A5": 10}


@app.task(name="shop.bind_book")
def bind_book(size: str, pages: int) -> str:
    return f"a book with a spine of {spine(size, pages)} mm"


def spine(size: str, pages: int) -> int:
    return pages // 2 // SHEETS_PER_MM[size]
