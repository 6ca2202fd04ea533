"""Kills a whole worker, the parent and the process that runs the task, and starts another."""

from fragile import fresh_start, outcome, work
from local import celery_worker, local_services


def try_policy(policy: str) -> str:
    """Lose one worker half way through a task, and give its work to a second one."""
    fresh_start(policy)
    with celery_worker("fragile") as first:
        receipt = work.delay("node", deaths=1)
        first.wait()
    with celery_worker("fragile"):
        return outcome(receipt, patience=20)


def main() -> None:
    with local_services():
        for policy in ("defaults", "late"):
            print(f"{policy + ':':<10}", try_policy(policy))


if __name__ == "__main__":
    main()
