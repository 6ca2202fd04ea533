"""Where a file is written if the name that a client sent becomes a path."""

from pathlib import Path
from tempfile import TemporaryDirectory


def save(folder: Path, name: str) -> Path:
    """Write a file under the name that the client sent."""
    path = folder / name
    path.write_bytes(b"not a document")
    return path.resolve()


def names(root: Path) -> list[str]:
    """List names that hostile clients send. `root` stands for the server's disk."""
    return [
        "lease.pdf",
        "../orders.txt",
        f"{root}/etc/passwd",
        "lease\u202efdp.exe",
        "lease.pdf\0.exe",
        "x" * 300 + ".pdf",
    ]


def main() -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        documents = root / "srv" / "documents"
        for one in (documents, root / "etc"):
            one.mkdir(parents=True)
        for name in names(root):
            shown = ascii(name.replace(str(root), "")[:24])
            try:
                landed = ascii(f"/{save(documents, name).relative_to(root)}")
            except (OSError, ValueError) as error:
                landed = type(error).__name__
            print(f"{shown:<28} -> {landed}")


if __name__ == "__main__":
    main()
