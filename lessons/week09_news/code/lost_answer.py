"""A connection breaks near the end of a mail. Does the client know whether the server has the mail?"""

import smtplib
from email.message import EmailMessage
from urllib.parse import urlsplit

from news_local import local_services

from bootcamp.providers import Fault, MailSink


def send(sink: MailSink) -> str:
    """Send a mail to the mail server of the local stack. Returns what the client sees."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "desk@x.example", "ann@x.example", "News"
    mail.set_content("Good morning.")
    url = urlsplit(sink.smtp_url)
    try:
        with smtplib.SMTP(url.hostname or "", url.port or 0, timeout=10) as server:
            server.login(url.username or "", url.password or "")
            server.send_message(mail)
    except smtplib.SMTPServerDisconnected as error:
        return type(error).__name__
    return "250"


def main() -> None:
    with local_services() as run:
        print(f"{'the connection breaks':28}{'the client sees':24}the server has the mail")
        for name, stage in (
            ("before the mail is taken", "message"),
            ("before the 250 is sent", "reply"),
        ):
            run.mail.clear()
            run.mail.script(Fault.drop(on=stage))
            sees = send(run.mail)
            (attempt,) = run.mail.wait_for(1, 5)
            print(f"{name:28}{sees:24}{'yes' if attempt.accepted else 'no'}")


if __name__ == "__main__":
    main()
