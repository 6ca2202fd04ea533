"""Webhooks never reach private addresses: addresses, names, and names whose answers change."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest

from bootcamp.providers.faults import Fault
from bootcamp.providers.name_server import NameServer
from pipeline.webhooks.errors import HostUnknown, NameUnresolved, UnsafeUrl
from pipeline.webhooks.safety import checked, is_public
from pipeline.webhooks.sending import certificates, post
from pipeline.webhooks.settings import webhook_settings
from pipeline.webhooks.urls import read_url
from tests.week06.addresses import NO_ADDRESSES, ODD_URLS, PRIVATE, PUBLIC


@pytest.fixture(scope="module")
def run(stack):
    """One for all tests here: they need its sink and no more."""
    with stack.isolated() as run:
        yield run


@pytest.fixture
def settings(monkeypatch):
    """The settings of this process: `settings(webhook_allow_http=1)`. No service is needed."""

    def change(**more: object) -> None:
        for name, value in more.items():
            monkeypatch.setenv(name.upper(), str(value))
        webhook_settings.cache_clear()

    change(app_env="development")
    yield change
    webhook_settings.cache_clear()


@pytest.fixture
def names(settings):
    with NameServer() as server:
        settings(webhook_dns_server=server.address)
        yield server


def test_the_tables_are_long_enough():
    assert len(PRIVATE) + len(ODD_URLS) + len(PUBLIC) >= 150


@pytest.mark.parametrize("address", [*PRIVATE, *NO_ADDRESSES])
def test_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address):
    assert is_public(address)


@pytest.mark.parametrize("url", ODD_URLS)
def test_an_odd_address_is_refused_and_no_name_is_asked_for(names, url):
    with pytest.raises(UnsafeUrl):
        checked(url)
    assert names.asked == []


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_of_a_private_address_is_refused(names, address):
    names.say("trap.test", [address])
    with pytest.raises(UnsafeUrl, match="not on the public internet"):
        checked("https://trap.test/")


@pytest.mark.parametrize(
    "addresses",
    [["8.8.8.8", "127.0.0.1"], ["8.8.8.8", "::1"], ["2606:4700:4700::1111", "10.0.0.1"]],
)
def test_one_bad_address_is_enough(names, addresses):
    names.say("mixed.test", addresses)
    with pytest.raises(UnsafeUrl):
        checked("https://mixed.test/")


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://hook.test/a?b=c#d", "hook.test:443", "/a?b=c"),
        ("HTTPS://Hook.Test.:8443", "hook.test:8443", "/"),
        ("https://bücher.test/ü", "xn--bcher-kva.test:443", "/%C3%BC"),
        ("https://hook.test/%2e%2e/x", "hook.test:443", "/%2e%2e/x"),
        ("https://8.8.8.8/", "8.8.8.8:443", "/"),
        ("https://[2606:4700:4700:0::1111]/", "[2606:4700:4700::1111]:443", "/"),
    ],
)
def test_an_honest_address_is_read_once_and_in_one_spelling(names, url, authority, target):
    for name in ("hook.test", "xn--bcher-kva.test"):
        names.say(name, ["8.8.8.8", "2606:4700:4700::1111"])
    found = checked(url)
    assert (found.url.authority, found.url.target) == (authority, target)
    assert all(map(is_public, found.addresses))


def test_http_and_other_ports_by_setting_alone(names, settings):
    names.say("hook.test", ["8.8.8.8"])
    settings(webhook_allow_http=1, webhook_ports="80,9000")
    checked("http://hook.test/")
    checked("https://hook.test:9000/")
    with pytest.raises(UnsafeUrl):
        checked("https://hook.test/")


def test_a_name_that_nobody_has_and_one_without_address(names):
    names.say("empty.test", [])
    for name in ("unknown.test", "empty.test"):
        with pytest.raises(HostUnknown):
            checked(f"https://{name}/")


def test_a_name_server_that_fails_is_a_name_unresolved(names):
    names.fail("trap.test")
    with pytest.raises(NameUnresolved):
        checked("https://trap.test/")


def test_a_name_server_that_is_away_is_a_name_unresolved(settings):
    settings(webhook_dns_server="127.0.0.1:9")
    with pytest.raises(NameUnresolved):
        checked("https://hook.test/")


def test_a_name_that_changes_is_caught_when_it_does(names):
    names.say("rebind.test", ["8.8.8.8"], ["127.0.0.1"])
    checked("https://rebind.test/")
    assert post("https://rebind.test/", {}, b"{}").error == "unsafe_url"


# -- connecting: on loopback, by names that the setting allows --------------------------------------


def sink(run, host: str = "127.0.0.1") -> str:
    """The sink's `host:port`."""
    return f"{host}:{run.webhooks.base_url.rsplit(':', 1)[1]}"


def test_it_connects_to_what_was_checked_and_asks_once(run, names, settings):
    """The second answer is an address where nothing listens, so a second lookup would fail."""
    there = sink(run, "twice.test")
    names.say("twice.test", ["127.0.0.1"], ["127.0.0.66"])
    settings(webhook_allowed_targets=there)
    path = run.webhooks.url("pinned").removeprefix(run.webhooks.base_url)
    attempt = post(f"http://{there}{path}", {"webhook-id": "msg_1"}, b"{}")
    assert (attempt.status, attempt.error) == (204, None)
    assert names.count("twice.test") == 1
    [sent] = run.webhooks.deliveries("pinned")
    assert sent.header("host") == there


def test_it_goes_on_to_the_next_address(run, names, settings):
    there = sink(run, "several.test")
    names.say("several.test", ["127.0.0.66", "127.0.0.1"])
    settings(webhook_allowed_targets=there)
    path = run.webhooks.url("next").removeprefix(run.webhooks.base_url)
    assert post(f"http://{there}{path}", {}, b"{}").status == 204


def test_the_allowed_target_is_that_host_and_port_alone(settings, run):
    settings(webhook_allowed_targets=sink(run))
    url = run.webhooks.url("x")
    checked(url)
    for other in (
        url.replace("127.0.0.1", "127.0.0.2"),
        "http://127.0.0.1:6379/",
        "https://[::1]/",
    ):
        with pytest.raises(UnsafeUrl):
            checked(other)


@pytest.mark.parametrize("name", ["webhook_allowed_targets", "webhook_dns_server"])
def test_production_refuses_the_doors_of_development(settings, name):
    settings(**{"app_env": "production", "webhook_allowed_targets": "", name: "127.0.0.1:1"})
    with pytest.raises(ValueError, match="APP_ENV=development"):
        webhook_settings()


def test_no_proxy_is_used(run, settings, monkeypatch):
    settings(webhook_allowed_targets=sink(run))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(run.webhooks.url("direct"), {}, b"{}").status == 204


def test_a_redirect_is_not_followed(run, settings):
    settings(webhook_allowed_targets=sink(run))
    to = {"location": run.webhooks.url("elsewhere")}
    run.webhooks.script(Fault.status(307, headers=to, on="moved"))
    assert post(run.webhooks.url("moved"), {}, b"{}").status == 307
    assert run.webhooks.deliveries("elsewhere") == []


@contextmanager
def listening(answer):
    """A TCP server that does `answer(connection)` for each connection. Gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
        thread.join()


def outcome(settings, answer, scheme: str = "http"):
    with listening(answer) as port:
        settings(webhook_allowed_targets=f"127.0.0.1:{port}", webhook_timeout_seconds=0.5)
        return post(f"{scheme}://127.0.0.1:{port}/", {}, b"{}")


def take(connection: socket.socket) -> None:
    """Read the whole request. Closing the connection earlier would reset it."""
    taken = b""
    while not taken.endswith(b"{}"):
        piece = connection.recv(65_536)
        if not piece:
            return
        taken += piece


def drip(begin: bytes, piece: bytes):
    """Send `begin`, then one piece at a time, until the other side closes the connection."""
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(begin)
        while not stop.wait(0.05):
            connection.sendall(piece)

    return answer


def test_headers_that_never_end_end_with_the_time(settings):
    attempt = outcome(settings, drip(b"HTTP/1.1 200 OK\r\n", b"x-more: 1\r\n"))
    assert (attempt.status, attempt.error) == (None, "timeout")
    assert attempt.seconds < 5


def test_interim_answers_that_never_end_end_with_the_time(settings):
    attempt = outcome(settings, drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"))
    assert attempt.error == "timeout"


def test_a_dripping_body_changes_nothing_about_the_status(settings):
    attempt = outcome(settings, drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"))
    assert attempt.status == 200
    assert attempt.seconds < 5


def test_an_endless_body_is_cut(run, settings):
    settings(webhook_allowed_targets=sink(run))
    run.webhooks.script(Fault.endless(on="endless"))
    attempt = post(run.webhooks.url("endless"), {}, b"{}")
    assert attempt.status == 200
    assert len(attempt.answer) <= 200


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", "no_http"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no_http"),
        (b"HTTP/1.1 banana\r\n\r\n", "no_http"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 300_000, "no_http"),
    ],
)
def test_what_is_no_http_is_an_attempt_that_failed(settings, sent, error):
    def answer(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(sent)

    attempt = outcome(settings, answer)
    assert (attempt.status, attempt.error) == (None, error)


def test_nobody_there(settings):
    settings(webhook_allowed_targets="127.0.0.1:9")
    assert post("http://127.0.0.1:9/", {}, b"{}").error == "connection"


def test_a_receiver_without_tls_where_tls_is_asked_for(settings):
    def answer(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    attempt = outcome(settings, answer, "https")
    assert attempt.error == "tls"


def test_tls_is_for_the_name_and_the_certificate_has_to_be(settings, names):
    """The server receives the requested name, and not the address of the connection."""
    hello: list[bytes] = []
    names.say("secure.test", ["127.0.0.1"])
    with listening(lambda connection: hello.append(connection.recv(65_536))) as port:
        settings(webhook_allowed_targets=f"secure.test:{port}")
        assert post(f"https://secure.test:{port}/", {}, b"{}").status is None
    assert b"secure.test" in hello[0]
    assert certificates().verify_mode == ssl.CERT_REQUIRED
    assert certificates().check_hostname


def test_reading_an_address_never_crashes():
    from hypothesis import given
    from hypothesis import strategies as st

    alphabet = "https://[]@:.%\\#?0123456789abcdefx-é。ⓛ \t\ud800"

    @given(st.one_of(st.text(), st.text(alphabet).map("https://".__add__)))
    def read(text: str) -> None:
        try:
            url = read_url(text)
        except UnsafeUrl:
            return
        assert url.host.isascii()
        assert url.target.isascii()
        assert url.target.startswith("/") or url.target == ""

    read()
