"""Owners say where their postcards go. A list of bad words guards the safe. Six ways around it."""

import httpx
from house import SAFE, house, look_up

from bootcamp.providers.name_server import NameServer

BAD_WORDS = ("localhost", "127.0.0.1", "169.254.", "10.", "192.168.")
HOSTS = {
    "127.0.0.1": "as everybody writes it",
    "127.1": "the same, shorter",
    "2130706433": "the same, one number",
    "0x7f.1": "the same, hexadecimal",
    "0.0.0.0": "this machine, too",  # noqa: S104
    "photos.example": "a name that leads there",
    "moved.example": "an honest page that sends on",
}


def allowed(host: str) -> bool:
    """What most programs do at first."""
    return not host.startswith(BAD_WORDS)


def visit(names: NameServer, host: str, port: int) -> bytes:
    """Post a card, and keep what is answered: the owner sees it in the list of deliveries."""
    address = look_up(names, host)[0]
    where = f"http://{address}:{port}/"
    with httpx.Client(trust_env=False, follow_redirects=True) as client:
        return client.post(where, headers={"host": f"{host}:{port}"}, content=b"ready").content


def main() -> None:
    with house() as port, NameServer() as names:
        names.say("photos.example", ["127.0.0.1"])
        names.say("moved.example", ["127.0.0.1"])  # stands for a stranger's own machine
        for host, spelling in HOSTS.items():
            if not allowed(host):
                came = "refused by the list"
            elif visit(names, host, port) == SAFE:
                came = "the owner reads the number of the safe"
            else:
                came = "nothing to see"
            print(f"{host:<15} {spelling + ':':<29} {came}")


if __name__ == "__main__":
    main()
