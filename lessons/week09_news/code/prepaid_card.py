"""A phone card of 100 cents, and calls whose cost is known at their end. When do you stop?"""

CREDIT = 100
CALLS = ((20, 18), (20, 25), (20, 19), (60, 58), (20, 21))
"""Of each call: the most that it can cost, and what it did cost, in cents."""


def look_afterwards() -> tuple[int, int]:
    """Call while there is any credit. Returns the number of calls, and the credit at the end."""
    credit, calls = CREDIT, 0
    for _, cost in CALLS:
        if credit <= 0:
            break
        credit, calls = credit - cost, calls + 1
    return calls, credit


def look_before() -> tuple[int, int]:
    """Call only if the call is sure to fit. Returns the number of calls, and the credit at the end."""
    credit, calls = CREDIT, 0
    for most, cost in CALLS:
        if most > credit:
            break
        credit, calls = credit - cost, calls + 1
    return calls, credit


def main() -> None:
    for way in (look_afterwards, look_before):
        calls, credit = way()
        print(f"{way.__name__ + ':':17}{calls} calls, {credit} cents left")


if __name__ == "__main__":
    main()
