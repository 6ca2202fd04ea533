"""An attacker owns a name and its name server, which gives one answer to a check and another later."""

from collections.abc import Callable

from private_network import look_up
from which_network import by_destination

from bootcamp.providers.name_server import NameServer

PUBLIC, PRIVATE = "93.184.216.34", "127.0.0.1"
"""Nothing is sent here: the program only prints where it would connect."""

LookUp = Callable[[str], list[str]]


def look_up_again(look_up: LookUp, host: str) -> str:
    """Check the name, and let the HTTP client resolve it again."""
    if by_destination(look_up(host)[0]):
        return "nowhere"
    return look_up(host)[0]


def keep_the_answer(look_up: LookUp, host: str) -> str:
    """Check an address, and connect to this address."""
    address = look_up(host)[0]
    if by_destination(address):
        return "nowhere"
    return address


def first_of_many(look_up: LookUp, host: str) -> str:
    """Check the first address only. The client takes another one, if the first does not respond."""
    addresses = look_up(host)
    if by_destination(addresses[0]):
        return "nowhere"
    return addresses[-1]


def all_of_them(look_up: LookUp, host: str) -> str:
    """Refuse the name if one of its addresses is private."""
    addresses = look_up(host)
    if any(map(by_destination, addresses)):
        return "nowhere"
    return addresses[-1]


def main() -> None:
    for way in (look_up_again, keep_the_answer):
        with NameServer() as names:
            names.say("scans.example", [PUBLIC], [PRIVATE])
            goes = way(lambda host, names=names: look_up(names, host), "scans.example")  # type: ignore[misc]
            lookups = names.count("scans.example")
        print(f"{way.__name__ + ':':<16} lookups: {lookups}, connects to {goes}")
    for way in (first_of_many, all_of_them):
        goes = way(lambda _: [PUBLIC, PRIVATE], "scans.example")
        print(f"{way.__name__ + ':':<16} two addresses, connects to {goes}")


if __name__ == "__main__":
    main()
