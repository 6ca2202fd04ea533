"""Reads docker-compose.yml: which service is reached by whom, and which one can go out."""

from pathlib import Path

import yaml

FILE = Path("docker-compose.yml")
ONE_SHOT = {"bucket", "migrate"}


def main() -> None:
    compose = yaml.safe_load(FILE.read_text())
    print(f"{'service':<15} {'networks':<16} {'published':<10} started")
    for name, service in sorted(compose["services"].items()):
        networks = ", ".join(service["networks"])
        ports = [port.rpartition(":")[2] for port in service.get("ports", [])]
        profile = service.get("profiles", ["always"])[0]
        when = "once, first" if name in ONE_SHOT else profile
        print(f"{name:<15} {networks:<16} {', '.join(ports) or '-':<10} {when}")


if __name__ == "__main__":
    main()
