"""Makes the base images that Dockerfile and docker-compose.yml name, from Debian's packages.

No image registry is needed. One Debian system, made by debootstrap, is the ground of all images;
`images/Dockerfile` says what is on top. Two plugins of the command `docker` (compose and buildx)
come from the same release of Debian. What is there already is not made again.

The images are close to those of Docker Hub, and not the same: PostgreSQL is version 17 under the
name of 18, and Redis and Caddy run on Debian instead of Alpine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.containers.engine import Engine

RELEASE = "trixie"
SYSTEM = f"debian-{RELEASE}"
PACKAGES = (
    "python3",
    "python3-pip",
    "python3-venv",
    "ca-certificates",
    "redis-server",
    "postgresql-17",
    "postgresql-17-pgvector",
    "procps",
)
PLUGINS = ("docker-compose", "docker-buildx")
"""Packages that hold one plugin each, of the same name."""
IMAGES = {
    "python": "python:3.13-slim",
    "redis": "redis:8-alpine",
    "postgres": "pgvector/pgvector:pg18",
    "caddy": "caddy:2-alpine",
}
"""Stage of images/Dockerfile, and the name under which the course asks for the image."""
FOLDER = Path(__file__).parent / "images"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "timeout")
"""Settings of pip on this machine that an image takes over. Others name files of this machine."""
SYSTEM_SECONDS = 1_800


def make_base_images(engine: Engine) -> None:
    """Make what is missing: the plugins, the Debian system and the images on top of it.

    Raises:
        EngineError: Docker could not build an image.
        subprocess.CalledProcessError: debootstrap or apt failed. What they said is on stderr.
    """
    plugins = [engine.plugins / name for name in PLUGINS]
    if not all(plugin.is_file() for plugin in plugins) or not engine.has_image(SYSTEM):
        with tempfile.TemporaryDirectory(dir=engine.cache, prefix="system-") as folder:
            system = Path(folder) / "root"
            _install_system(system)
            _take_plugins(system, engine.plugins)
            _import_system(system, engine)
    with tempfile.TemporaryDirectory(dir=engine.cache, prefix="images-") as folder:
        context = Path(folder) / "context"
        shutil.copytree(FOLDER, context)
        shutil.copy(CERTIFICATES, context)
        (context / "pip.conf").write_text(pip_settings())
        for stage, name in IMAGES.items():
            engine.docker(
                "build", "--network", "host", "--target", stage, "--tag", name, str(context)
            )


def pip_settings() -> str:
    """The lines of a pip.conf that say where this machine's pip finds packages."""
    words = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    made = {"cert": str(CERTIFICATES)}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]  # global.index-url, or :env:.index-url, which comes later
        words = [word for word in value.strip("'").split() if not word.startswith("file:")]
        if key in PIP_SETTINGS and words:
            made[key] = " ".join(words)
    return "\n".join(["[global]", *(f"{key} = {value}" for key, value in made.items()), ""])


def _install_system(system: Path) -> None:
    included = f"--include={','.join(PACKAGES)}"
    _run("debootstrap", "--variant=minbase", included, RELEASE, str(system))


def _take_plugins(system: Path, plugins: Path) -> None:
    """Download the plugins' packages with the new system's apt, which checks their signatures."""
    shutil.copy("/etc/resolv.conf", system / "etc" / "resolv.conf")
    in_system = ["chroot", str(system), "sh", "-euc"]
    _run(*in_system, f"apt-get -qq update; cd /tmp; apt-get -qq download {' '.join(PLUGINS)}")
    plugins.mkdir(parents=True, exist_ok=True)
    for package in (system / "tmp").glob("*.deb"):
        unpacked = system.parent / package.stem
        _run("dpkg-deb", "--extract", str(package), str(unpacked))
        for plugin in (unpacked / "usr/libexec/docker/cli-plugins").iterdir():
            shutil.copy(plugin, plugins / plugin.name)
    _run(*in_system, "apt-get clean; rm -rf /tmp/*.deb /var/lib/apt/lists/* /etc/resolv.conf")


def _import_system(system: Path, engine: Engine) -> None:
    archive = system.parent / "system.tar"
    _run("tar", "--create", "--file", str(archive), "--directory", str(system), ".")
    engine.docker("import", str(archive), SYSTEM)


def _run(*words: str) -> None:
    """Run a command. Its output goes to stderr, where pytest shows it if the command fails."""
    subprocess.run(words, stdout=sys.stderr, check=True, timeout=SYSTEM_SECONDS)
