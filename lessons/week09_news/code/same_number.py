"""A letter is sent again after a crash. Does it have the same number as the first time?"""

from email.utils import make_msgid
from uuid import NAMESPACE_URL, uuid5


def drawn() -> str:
    """Draw a number, as the standard library does for mails."""
    return make_msgid(domain="desk.example")


def calculated(invoice: int, reminder: int) -> str:
    """Calculate the number of a reminder from what it is."""
    return str(
        uuid5(NAMESPACE_URL, f"https://desk.example/invoices/{invoice}/reminders/{reminder}")
    )


def main() -> None:
    print("drawn:      the same at the second try:", drawn() == drawn())
    print("calculated: the same at the second try:", calculated(4711, 2) == calculated(4711, 2))
    print("calculated: another reminder has the same:", calculated(4711, 3) == calculated(4711, 2))


if __name__ == "__main__":
    main()
