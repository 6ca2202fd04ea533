"""Managed Redis speaks TLS: `rediss://`, with the certificate verified."""

from __future__ import annotations

import secrets
import shutil
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import redis
from celery import Celery
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.ports import LOOPBACK, free_port
from bootcamp.stack import Run
from bootcamp.stack.apps import layer_environment
from bootcamp.stack.process import Process
from pipeline.settings import BROKER_DATABASE, RESULT_DATABASE, WorkerSettings
from tests.local_nodes import local_worker_node
from tests.parts import missing


@dataclass(frozen=True)
class TlsRedis:
    """A server that speaks nothing but TLS. `url` has the authority that signed its certificate."""

    port: int
    password: str
    authority: Path

    @property
    def bare_url(self) -> str:
        return f"rediss://:{self.password}@{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.bare_url}?ssl_ca_certs={self.authority}"


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "harbour")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    signed, private = folder / "certificate.pem", folder / "key.pem"
    signed.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return signed, private


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedis]:
    binary = shutil.which("redis-server")
    folder = tmp_path_factory.mktemp("tls")
    signed, private = make_certificate(folder)
    found = TlsRedis(free_port(), secrets.token_hex(16), signed)
    options = {
        "bind": LOOPBACK,
        "port": "0",
        "tls-port": str(found.port),
        "tls-cert-file": str(signed),
        "tls-key-file": str(private),
        "tls-auth-clients": "no",
        "requirepass": found.password,
        "save": "",
    }
    if binary is None:
        missing("redis-server, which speaks TLS, is not installed: apt install redis-server")
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    log = folder / "redis.log"
    with Process(
        [binary, *words], env={"LC_ALL": "C"}, log=log, name="Redis", cwd=folder
    ) as process:
        process.wait_ready(lambda: "Ready to accept connections" in process.logs())
        yield found


def test_a_worker_takes_a_task_over_tls_and_its_result_comes_back(
    server: TlsRedis, run: Run, tmp_path: Path
) -> None:
    settings = WorkerSettings(redis_url=server.url)
    layers = reference_layers(find_week("1"))
    environment = {
        **layer_environment(run.environment() | {"REDIS_URL": server.url}, layers),
        "C_FORCE_ROOT": "1",
    }
    node = local_worker_node("tls", environment, tmp_path)
    app = Celery(
        broker=settings.redis_database(BROKER_DATABASE),
        backend=settings.redis_database(RESULT_DATABASE),
        set_as_current=False,
    )
    try:
        node.ready()
        with app:
            text = f"The tide of {uuid.uuid4().hex} rises."
            result = app.send_task("pipeline.summarize_article", args=(text,))
            assert result.get(timeout=30)["title"] == text
    finally:
        node.teardown()


def test_a_certificate_that_nobody_signed_is_refused(server: TlsRedis) -> None:
    settings = WorkerSettings(redis_url=server.bare_url)
    with Celery(broker=settings.redis_database(0), set_as_current=False) as app:
        connection = app.connection(transport_options={"max_retries": 0})
        with pytest.raises(Exception, match="certificate verify failed"):
            connection.ensure_connection(max_retries=1, timeout=5)
    with pytest.raises((redis.exceptions.ConnectionError, ssl.SSLError), match="certificate"):
        redis.Redis.from_url(settings.redis_database(1)).ping()


@pytest.mark.parametrize(
    ("address", "database"),
    [
        ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379/1"),
        ("redis://127.0.0.1:6379/", "redis://127.0.0.1:6379/1"),
        (
            "redis://:p%40ss@host:1/0?health_check_interval=5",
            "redis://:p%40ss@host:1/1?health_check_interval=5",
        ),
        ("rediss://host:1", "rediss://host:1/1?ssl_cert_reqs=required"),
        ("rediss://host:1?ssl_cert_reqs=none", "rediss://host:1/1?ssl_cert_reqs=none"),
    ],
)
def test_the_address_of_a_database_keeps_its_options(address: str, database: str) -> None:
    assert WorkerSettings(redis_url=address).redis_database(1) == database
