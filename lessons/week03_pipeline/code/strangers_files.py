"""Seven files that call themselves PDF, and what the library does with each."""

import io
import logging

from local import SAMPLES
from pypdf import PdfReader, PdfWriter

HANDBOOK = (SAMPLES / "lighthouse_handbook.pdf").read_bytes()


def encrypted(user: str, owner: str = "keeper") -> bytes:
    """The handbook, opened by the password `user`; changing it needs the password `owner`."""
    writer = PdfWriter(clone_from=io.BytesIO(HANDBOOK))
    writer.encrypt(user_password=user, owner_password=owner, algorithm="RC4-128")
    return saved(writer)


def blank() -> bytes:
    """One page, nothing on it: a scan looks like this to a reader of text."""
    writer = PdfWriter()
    writer.add_blank_page(width=595, height=842)
    return saved(writer)


def saved(writer: PdfWriter) -> bytes:
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


FILES = {
    "handbook": HANDBOOK,
    "empty": b"",
    "not a PDF": b"Dear Ada, ...",
    "cut off": HANDBOOK[: len(HANDBOOK) // 2],
    "no text": blank(),
    "password to open": encrypted("sesame"),
    "password to change": encrypted(""),
}


def first_page(data: bytes) -> str:
    """What the library says to a file."""
    opened = ""
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            opened = f'decrypt("") says {reader.decrypt("").name}, then '
        return f"{opened}{len(reader.pages[0].extract_text().split())} words"
    except Exception as error:
        return f"{opened}{type(error).__name__}"


def main() -> None:
    logging.disable()  # pypdf has a remark about every oddity
    for name, data in FILES.items():
        print(f"{name + ':':<20}{first_page(data)}")


if __name__ == "__main__":
    main()
