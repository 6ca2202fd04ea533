"""Opens a connection to the mail server. Given to students complete."""

from __future__ import annotations

import smtplib
import ssl
from urllib.parse import unquote, urlsplit

from pipeline.news.digest_settings import digest_settings

SMTP_PORT, SMTPS_PORT = 587, 465


def connect() -> smtplib.SMTP:
    """Open a connection to the server of `SMTP_URL`, and log in.

    Each answer of the server may take `smtp_timeout_seconds`. Use the connection in a `with` block, which
    says goodbye (QUIT) and closes it.

    Returns:
        The connection.

    Raises:
        smtplib.SMTPException: the server refuses the connection or the login.
        OSError: the server cannot be reached, or it takes too long.
    """
    settings = digest_settings()
    url = urlsplit(settings.smtp_url)
    host, tls = url.hostname or "", url.scheme == "smtps"
    wait, name = settings.smtp_timeout_seconds, settings.digest_domain
    server: smtplib.SMTP
    if tls:
        context = ssl.create_default_context()
        server = smtplib.SMTP_SSL(host, url.port or SMTPS_PORT, name, timeout=wait, context=context)
    else:
        server = smtplib.SMTP(host, url.port or SMTP_PORT, name, timeout=wait)
    try:
        if not tls:
            tls = _start_tls(server)
        if url.username:
            if not tls and settings.app_env != "development":
                raise smtplib.SMTPNotSupportedError("no password is sent without TLS")
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _start_tls(server: smtplib.SMTP) -> bool:
    """Encrypt the connection if the server can. Return whether it is encrypted."""
    server.ehlo()
    if not server.has_extn("starttls"):
        return False
    server.starttls(context=ssl.create_default_context())
    return True
