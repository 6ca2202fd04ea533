"""The names of some files, and the types that their first bytes show."""

import io
import zipfile

import filetype


def zipped(*names: str) -> bytes:
    """Return a ZIP archive that contains files with these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "Hello")
    return buffer.getvalue()


PDF = b"%PDF-1.7\n" + bytes(16)
UPLOADS = {
    "lease.pdf": PDF,
    "lease": PDF,
    "lease.txt": PDF,
    "invoice.pdf": b"MZ\x90\x00" + bytes(60),  # a Windows program begins like this
    "letter.docx": zipped("word/document.xml", "logo.png"),  # a DOCX is a ZIP archive
    "report.docx": zipped("logo.png", "word/document.xml"),  # the same in another order
    "virus.docx": zipped("setup.exe"),
    "greeting.txt": "Grüße aus Köln".encode(),
}


def main() -> None:
    for name, content in UPLOADS.items():
        print(f"{name:<13} {filetype.guess_mime(content) or 'unknown'}")


if __name__ == "__main__":
    main()
