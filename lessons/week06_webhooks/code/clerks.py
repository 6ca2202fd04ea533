"""Two clerks, sixty postcards, and five addresses at which nobody opens. When is everybody told?

Nobody waits: a second is a number here.
"""

import heapq

CLERKS = 2
WAITS = [0, 5, 300]
"""Before each try. Seconds."""
VISIT = 1
"""How long a visit takes where somebody opens,"""
SILENCE = 15
"""and how long a clerk stands at a door that stays shut."""
SHUT = [card % 12 == 0 for card in range(60)]
"""Of each card, whether its address stays shut."""


def at_the_door() -> float:
    """A clerk keeps a card until it is told or given up, and waits in between."""
    free = [0.0] * CLERKS
    last = 0.0
    for shut in SHUT:
        now = heapq.heappop(free)
        now += sum(WAITS) + SILENCE * len(WAITS) if shut else VISIT
        last = last if shut else max(last, now)
        heapq.heappush(free, now)
    return last


def back_in_the_tray() -> float:
    """A clerk writes the next date on the card, puts it back, and takes another that is due."""
    free = [0.0] * CLERKS
    tray = [(0.0, card, 0) for card in range(len(SHUT))]
    last = 0.0
    while tray:
        due, card, tries = heapq.heappop(tray)
        now = max(due, heapq.heappop(free)) + (SILENCE if SHUT[card] else VISIT)
        heapq.heappush(free, now)
        if not SHUT[card]:
            last = max(last, now)
        elif tries + 1 < len(WAITS):
            heapq.heappush(tray, (now + WAITS[tries + 1], card, tries + 1))
    return last


def main() -> None:
    for way in (at_the_door, back_in_the_tray):
        print(f"{way.__name__ + ':':<17} the last open door is reached after {way():.0f} seconds")


if __name__ == "__main__":
    main()
