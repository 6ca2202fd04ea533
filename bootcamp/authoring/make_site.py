"""Builds the site of the course from the Markdown of the repository: `make site`.

    python -m bootcamp.authoring.make_site build/site

The site needs no network: fonts, scripts and pictures are part of it. Nothing is copied by hand.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from bootcamp import paths
from bootcamp.authoring.site_glossary import GLOSSARY, read_terms
from bootcamp.authoring.site_nav import all_entries, sections
from bootcamp.authoring.site_pages import Site, copied_as, notebook_text, render, source_of
from bootcamp.errors import BootcampError
from bootcamp.files import write_atomic

ASSETS = Path(__file__).with_name("site_assets")
MERMAID = paths.ROOT / "tests/lessons/mermaid/node_modules/mermaid/dist/mermaid.min.js"
TITLE = "Asynchronous systems for AI"
SCRIPTS = ("mermaid.min.js", "site.js")
BUILD_SECONDS = 300
DOCS, BUILT, SETTINGS = "docs", "site", "mkdocs.yml"


def build(out: Path, repository: str = "") -> None:
    """Write the site to the folder `out`.

    Args:
        out: the folder; what it holds is replaced.
        repository: the address of the repository on a code host, for "Edit this page".

    Raises:
        BootcampError: Mermaid is not installed, or the generator failed.
    """
    if not MERMAID.is_file():
        raise BootcampError(
            "Mermaid is missing, which draws the diagrams of the site.",
            "Run npm ci --prefix tests/lessons/mermaid",
        )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        stage(work / DOCS, repository)
        (work / SETTINGS).write_text(yaml.safe_dump(configuration(), sort_keys=False))
        done = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", SETTINGS],
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_SECONDS,
            env={"PATH": "/usr/bin:/bin", "HOME": folder},
        )
        if done.returncode != 0:
            raise BootcampError(f"The site was not built:\n{done.stderr.strip()}")
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(work / BUILT, out)


def stage(docs: Path, repository: str = "") -> None:
    """Write the generator's input: every page, the files that pages link to, and the scripts."""
    entries = {entry.path.relative_to(paths.ROOT).as_posix(): entry for entry in all_entries()}
    terms = read_terms(GLOSSARY.read_text(encoding="utf-8"))
    site = Site(entries.keys(), terms, repository.rstrip("/"))

    def copy(file: str) -> None:
        write_atomic(docs / copied_as(file), (paths.ROOT / file).read_bytes())

    for name, entry in entries.items():
        text = entry.path.read_text(encoding="utf-8")
        if entry.path.suffix == ".ipynb":
            text = notebook_text(text)
        write_atomic(docs / source_of(name), render(name, text, site, copy).encode())
    (docs / "assets").mkdir(parents=True, exist_ok=True)
    for source in (MERMAID, *ASSETS.iterdir()):
        shutil.copyfile(source, docs / "assets" / source.name)


def configuration() -> dict[str, Any]:
    """The settings of the generator, Zensical, which reads those of MkDocs.

    Its paths are relative: an absolute one ends Zensical 0.0.73 with a panic of Rust.
    """
    nav = [
        {part.title: [{one.title: source_of(_name(one.path))} for one in part.entries]}
        for part in sections()
    ]
    return {
        "site_name": TITLE,
        "docs_dir": DOCS,
        "site_dir": BUILT,
        "use_directory_urls": False,
        "theme": {
            "name": "material",
            "font": False,
            "features": ["navigation.footer", "navigation.top", "search.highlight", "toc.follow"],
            "palette": [
                _palette("default", "light", "Change to dark mode"),
                _palette("slate", "dark", "Change to light mode"),
            ],
        },
        "plugins": ["search"],
        "markdown_extensions": ["attr_list", {"toc": {"permalink": False}}],
        "extra_css": ["assets/site.css"],
        "extra_javascript": [f"assets/{name}" for name in SCRIPTS],
        "extra": {"generator": False},
        "nav": nav,
    }


def _palette(scheme: str, preferred: str, label: str) -> dict[str, Any]:
    return {
        "media": f"(prefers-color-scheme: {preferred})",
        "scheme": scheme,
        "toggle": {"icon": "material/brightness-6", "name": label},
    }


def _name(path: Path) -> str:
    return path.relative_to(paths.ROOT).as_posix()


def main() -> int:
    """Build the site, and say how to read it."""
    parser = argparse.ArgumentParser(
        prog="python -m bootcamp.authoring.make_site", description=__doc__
    )
    parser.add_argument("out", type=Path, help="the folder of the site")
    parser.add_argument("--repository", default="", help="address for 'Edit this page'")
    chosen = parser.parse_args()
    try:
        build(chosen.out, chosen.repository)
    except BootcampError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The site is in {chosen.out}. Read it with")
    print(f"  {sys.executable} -m http.server --bind 127.0.0.1 --directory {chosen.out} 8800")
    return 0


if __name__ == "__main__":
    sys.exit(main())
