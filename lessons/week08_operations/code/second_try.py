"""A fast parser first, and a slow one only if the fast one cannot read the text."""

from datetime import date

LONGEST = 40


class NotADate(ValueError):
    """The parser cannot read this text. Another one may."""


class TooLong(ValueError):
    """No parser may read a text of this length."""


def fast_date(text: str) -> date:
    """Read a date such as 2026-11-30."""
    if len(text) > LONGEST:
        raise TooLong
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NotADate from error


def slow_date(text: str) -> date:
    """Read a date such as 30 November 2026."""
    day, month, year = text.split()
    months = "January February March April May June July August September October November December"
    return date(int(year), months.split().index(month) + 1, int(day))


def read_date(text: str) -> date:
    """Read a date in one of the formats of our contracts."""
    try:
        return fast_date(text)
    except NotADate:  # the fast parser does not know all formats
        return slow_date(text)


if __name__ == "__main__":
    for text in ("2026-11-30", "30 November 2026", "2026-11-30" * 1_000):
        try:
            print(f"{text[:16]}: {read_date(text)}")
        except TooLong:
            print(f"{text[:16]}: too long, and not tried again")
