"""What a file is called, and what its first bytes say."""

import io
import zipfile

import filetype


def zipped(name: str) -> bytes:
    """A ZIP archive that holds one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "Hello")
    return buffer.getvalue()


PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
UPLOADS = {
    "beach.png": PNG,
    "beach": PNG,
    "beach.txt": PNG,
    "funny.png": b"MZ\x90\x00" + bytes(60),  # how a Windows program begins
    "album.cbz": zipped("page1.png"),  # an album is a ZIP archive of pictures
    "virus.cbz": zipped("setup.exe"),
    "greeting.txt": "Grüße vom Strand".encode(),
}


def main() -> None:
    for name, content in UPLOADS.items():
        print(f"{name:<13} {filetype.guess_mime(content) or 'I cannot tell'}")


if __name__ == "__main__":
    main()
