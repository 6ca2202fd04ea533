"""Where a file lands when the name that a stranger sent becomes a path."""

from pathlib import Path
from tempfile import TemporaryDirectory


def save(folder: Path, name: str) -> Path:
    """The careless way: the folder, and the name below it."""
    path = folder / name
    path.write_bytes(b"not a photo")
    return path.resolve()


def names(root: Path) -> list[str]:
    """What strangers call their files. `root` plays the server's disk."""
    return [
        "beach.png",
        "../orders.txt",
        f"{root}/etc/passwd",
        "beach\u202egnp.exe",
        "beach.png\0.exe",
        "x" * 300 + ".png",
    ]


def main() -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        photos = root / "srv" / "photos"
        for one in (photos, root / "etc"):
            one.mkdir(parents=True)
        for name in names(root):
            shown = ascii(name.replace(str(root), "")[:24])
            try:
                landed = ascii(f"/{save(photos, name).relative_to(root)}")
            except (OSError, ValueError) as error:
                landed = type(error).__name__
            print(f"{shown:<28} -> {landed}")


if __name__ == "__main__":
    main()
