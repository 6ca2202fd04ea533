"""A server that stands still for two seconds, seen by a client that waits and by one that does not."""

SERVICE = 0.01
STALL_FROM, STALL_TO = 5.0, 7.0
EVERY, SECONDS = 0.1, 20.0


def answered(sent: float, free: float) -> float:
    """When a request is answered that is sent at `sent`, while the server is busy until `free`."""
    start = max(sent, free)
    if STALL_FROM <= start < STALL_TO:
        start = STALL_TO
    return start + SERVICE


def closed() -> list[float]:
    """One client that sends its next request after the answer to the last one."""
    times, now = [], 0.0
    while now < SECONDS:
        end = answered(now, 0.0)
        times.append(end - now)
        now = max(end, now + EVERY)
    return times


def arriving() -> list[float]:
    """Requests that arrive every `EVERY` seconds, because they come from many people."""
    times, free = [], 0.0
    for number in range(int(SECONDS / EVERY)):
        sent = number * EVERY
        free = answered(sent, free)
        times.append(free - sent)
    return times


def p(share: float, times: list[float]) -> float:
    """A quantile of the measured times."""
    return sorted(times)[int(share * len(times))]


def main() -> None:
    for name, times in (("waits for the answer", closed()), ("arrives anyway", arriving())):
        print(
            f"{name:21} {len(times)} requests, p50 {p(0.5, times):.2f} s, p95 {p(0.95, times):.2f} s"
        )


if __name__ == "__main__":
    main()
