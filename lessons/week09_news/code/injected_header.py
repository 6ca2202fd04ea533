"""The title of an article becomes the subject of a mail. What can a title do?"""

from email import message_from_bytes, policy
from email.message import EmailMessage

TITLE = "Ferry delayed\nBcc: everybody@example.com"


def by_hand(title: str) -> str:
    """Build the mail as a text."""
    return f"From: desk@example.com\nSubject: {title}\n\nGood morning.\n"


def by_library(title: str) -> EmailMessage:
    """Build the mail with the library."""
    mail = EmailMessage()
    mail["From"] = "desk@example.com"
    mail["Subject"] = title
    mail.set_content("Good morning.")
    return mail


def main() -> None:
    parsed = message_from_bytes(by_hand(TITLE).encode(), policy=policy.default)
    print("by_hand:    headers", ", ".join(parsed.keys()))
    try:
        by_library(TITLE)
    except ValueError as error:
        print("by_library: ValueError:", error)


if __name__ == "__main__":
    main()
