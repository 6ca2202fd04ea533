"""A stranger owns a name and its name server. It says one thing to a guard, another to a courier."""

from collections.abc import Callable

from house import look_up
from which_house import by_where_it_ends

from bootcamp.providers.name_server import NameServer

OUTSIDE, SAFE = "93.184.216.34", "127.0.0.1"
"""Nobody is visited here: we look at where the courier would go."""

LookUp = Callable[[str], list[str]]


def guard_then_courier(look_up: LookUp, host: str) -> str:
    """The guard looks the name up, and so does the courier, when it sets out."""
    if by_where_it_ends(look_up(host)[0]):
        return "neither"
    return look_up(host)[0]


def guards_note(look_up: LookUp, host: str) -> str:
    """The guard writes the address down, and the courier takes the note."""
    address = look_up(host)[0]
    if by_where_it_ends(address):
        return "neither"
    return address


def first_of_many(look_up: LookUp, host: str) -> str:
    """A name may have several addresses. The guard looks at the first; the courier takes the last."""
    addresses = look_up(host)
    if by_where_it_ends(addresses[0]):
        return "neither"
    return addresses[-1]


def all_of_them(look_up: LookUp, host: str) -> str:
    """One bad address is enough."""
    addresses = look_up(host)
    if any(map(by_where_it_ends, addresses)):
        return "neither"
    return addresses[-1]


def main() -> None:
    for way in (guard_then_courier, guards_note):
        with NameServer() as names:
            names.say("photos.example", [OUTSIDE], [SAFE])
            goes = way(lambda host, names=names: look_up(names, host), "photos.example")  # type: ignore[misc]
            asked = names.count("photos.example")
        print(f"{way.__name__ + ':':<19} asked {asked}, goes to {goes}")
    for way in (first_of_many, all_of_them):
        goes = way(lambda _: [OUTSIDE, SAFE], "photos.example")
        print(f"{way.__name__ + ':':<19} two addresses, goes to {goes}")


if __name__ == "__main__":
    main()
