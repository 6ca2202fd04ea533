"""Hostile DOCX files. `hostile.py` lists them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

from bootcamp.samples.documents import make_docx

MB = 1024 * 1024
_BODY_TAG = b"<w:body>"


def docx_zip_bomb(size: int = 300 * MB) -> bytes:
    """A DOCX whose main part is `size` bytes once unpacked, and a thousandth of that in the file."""

    def part(whole: bytes) -> list[bytes]:
        start, end = whole.split(_BODY_TAG)
        paragraph = b"<w:p><w:r><w:t>" + b"a" * 4_000 + b"</w:t></w:r></w:p>"
        return [start + _BODY_TAG, *[paragraph] * (size // len(paragraph)), end]

    return _docx_with_main_part(part)


def docx_lying_about_size(size: int = 300 * MB) -> bytes:
    """A zip bomb whose directory says that its main part has 1,000 bytes: only unpacking tells."""
    bomb = bytearray(docx_zip_bomb(size))
    name = b"word/document.xml"
    for signature, name_at, size_at in ((b"PK\x03\x04", 30, 22), (b"PK\x01\x02", 46, 24)):
        at = bomb.find(signature)
        while at >= 0:
            if bomb[at + name_at : at + name_at + len(name)] == name:
                bomb[at + size_at : at + size_at + 4] = struct.pack("<I", 1_000)
            at = bomb.find(signature, at + 4)
    return bytes(bomb)


def docx_with_many_members(members: int = 20_000) -> bytes:
    """A DOCX with thousands of small files in it."""
    file = io.BytesIO(make_docx(["A page among thousands of files."]))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        for number in range(members):
            archive.writestr(f"word/media/{number}.xml", "<a/>")
    return file.getvalue()


def docx_entity_bomb(levels: int = 12) -> bytes:
    """XML entities that unfold to ten to the power of `levels` words ("billion laughs")."""
    entities = '<!ENTITY e0 "storm">' + "".join(
        f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, levels + 1)
    )
    return _docx_with_entities(entities, f"&e{levels};")


def docx_external_entity(address: str = "file:///etc/passwd") -> bytes:
    """An XML entity that asks the parser to read a file or an address of its own machine."""
    return _docx_with_entities(f'<!ENTITY outside SYSTEM "{address}">', "&outside;")


def docx_path_traversal() -> bytes:
    """A DOCX that also holds a file named to be unpacked outside of its folder."""
    file = io.BytesIO(make_docx(["A page with a stowaway."]))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("../../../../tmp/stowaway", "out")
    return file.getvalue()


def plain_zip() -> bytes:
    """A zip archive that is no DOCX, whatever its name says."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "only notes")
    return file.getvalue()


def truncated_docx() -> bytes:
    """The first half of a DOCX."""
    whole = make_docx(["A page that was cut off. " * 50])
    return whole[: len(whole) // 2]


def empty_docx() -> bytes:
    """A sound DOCX without a word."""
    return make_docx([""])


def _docx_with_entities(entities: str, used: str) -> bytes:
    def part(whole: bytes) -> list[bytes]:
        declaration, rest = whole.split(b"?>", 1)
        paragraph = f"<w:p><w:r><w:t>{used}</w:t></w:r></w:p>".encode()
        doctype = f"?><!DOCTYPE bomb [{entities}]>".encode()
        return [declaration, doctype, rest.replace(_BODY_TAG, _BODY_TAG + paragraph)]

    return _docx_with_main_part(part)


def _docx_with_main_part(part: Callable[[bytes], list[bytes]]) -> bytes:
    """A DOCX whose main part is replaced by pieces, written one after another."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(make_docx(["A harmless page."]))) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for name in old.namelist():
            pieces = [old.read(name)]
            if name == "word/document.xml":
                pieces = part(pieces[0])
            with new.open(name, "w") as member:
                for piece in pieces:
                    member.write(piece)
    return file.getvalue()
