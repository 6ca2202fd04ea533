"""Kills the process that runs a task, under four policies: once, and then every time."""

from fragile import POLICIES, fresh_start, outcome, work
from local import celery_worker, local_services

ALWAYS = 1_000_000


def try_policy(policy: str, deaths: int, patience: float = 40.0) -> str:
    """Run one task on one worker under this policy."""
    fresh_start(policy)
    with celery_worker("fragile"):
        return outcome(work.delay("process", deaths), patience)


def main() -> None:
    with local_services():
        print("killed once")
        for policy in POLICIES:
            print(f"  {policy + ':':<15}", try_policy(policy, deaths=1))
        print("killed every time")
        print("  late + retry:  ", try_policy("late + retry", ALWAYS))
        print("  late + reject:  ~" + try_policy("late + reject", ALWAYS, patience=15))


if __name__ == "__main__":
    main()
