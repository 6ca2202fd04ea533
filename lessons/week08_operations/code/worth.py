"""What tests are worth: each one is run on a right function, and on functions that break one promise."""

from collections.abc import Callable

Fee = Callable[[int], int]


def fee(days: int) -> int:
    """Return the fee in euros of a document that is late: nothing for 7 days, then 2 a day, at most 20."""
    return min(20, max(0, days - 7) * 2)


BROKEN: dict[str, Fee] = {
    "no days of grace": lambda days: min(20, days * 2),
    "no limit": lambda days: max(0, days - 7) * 2,
    "grace ends a day early": lambda days: min(20, max(0, days - 6) * 2),
    "negative before day 7": lambda days: min(20, (days - 7) * 2),
}


def test_it_runs(fee: Fee) -> None:
    """Look at nothing."""
    fee(10)


def test_one_value(fee: Fee) -> None:
    """Look at a value in the middle."""
    assert fee(10) == 6


def test_limits(fee: Fee) -> None:
    """Look at both sides of each limit."""
    assert [fee(days) for days in (0, 7, 8, 17, 18)] == [0, 0, 2, 20, 20]


def passes(test: Callable[[Fee], None], function: Fee) -> bool:
    """Whether a test passes on a function."""
    try:
        test(function)
    except AssertionError:
        return False
    return True


if __name__ == "__main__":
    for test in (test_it_runs, test_one_value, test_limits):
        assert passes(test, fee)
        noticed = [name for name, broken in BROKEN.items() if not passes(test, broken)]
        print(f"{test.__name__}: notices {len(noticed)} of {len(BROKEN)}")
