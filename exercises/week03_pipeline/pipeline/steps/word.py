"""Opens a Word file for the parser, reduced to the text that a reader of the document sees.

Given to students complete. python-docx opens every part of a package and follows every
relationship. It fails at the first unusual one: a link to a part named `NULL`, a picture of an unknown
type, the content type of a document with macros. The parser needs only the main part, so this module
builds a package of this part alone and opens that.

Headers, footers, footnotes and comments are parts of their own. They are not read: headers and
footers repeat on every page, and notes and comments have no place in the order of the pages.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from typing import Any, BinaryIO

from docx import Document
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import qn

PACKAGE_RELATIONSHIPS = "_rels/.rels"
MAIN_PART = re.compile(r"word/document\d*\.xml")
STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
TRANSITIONAL = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
"""Strict Open XML (ISO/IEC 29500-1) has the same elements under other namespaces."""

FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""Elements that repeat a text for older programs."""
HIDDEN_VALUES = (None, "1", "true", "on")
"""The values of `w:vanish` that hide the text. Without a value, the text is hidden too."""

CONTENT_TYPES = f"""<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="{CONTENT_TYPE.OPC_RELATIONSHIPS}"/>
<Override PartName="/word/document.xml" ContentType="{CONTENT_TYPE.WML_DOCUMENT_MAIN}"/>
</Types>"""
RELATIONSHIPS = f"""<Relationships
xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="{RELATIONSHIP_TYPE.OFFICE_DOCUMENT}" Target="word/document.xml"/>
</Relationships>"""


def open_word(stream: BinaryIO) -> Any:
    """Open a DOCX, DOCM, DOTX or DOTM, and return its body (`w:body`).

    Text that no reader sees is removed: fallbacks for older programs, the old place of moved text, and
    hidden text. Deleted text needs no treatment, because it is in elements of its own (`w:delText`).

    Raises:
        KeyError: the file has no main part.
        zipfile.BadZipFile, lxml.etree.XMLSyntaxError, AttributeError: it is damaged.
    """
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr(PACKAGE_RELATIONSHIPS, RELATIONSHIPS)
        archive.writestr("word/document.xml", main_part(stream).replace(STRICT, TRANSITIONAL))
    body = Document(package).element.body
    for unseen in [*body.iter(FALLBACK, qn("w:moveFrom")), *filter(_hidden, body.iter(qn("w:r")))]:
        if (
            unseen.getparent() is not None
        ):  # it may be inside another one, which has been removed already
            unseen.getparent().remove(unseen)
    return body


def main_part(stream: BinaryIO) -> bytes:
    """Read the XML of the part that the package names as its document.

    Names are compared without regard to case and to the kind of slash, because some programs write
    backslashes or capital letters.

    Raises:
        KeyError: the package has no such part.
    """
    with zipfile.ZipFile(stream) as archive:
        parts = {_normal(name): name for name in archive.namelist()}
        named = _named_part(archive.read(parts[PACKAGE_RELATIONSHIPS]))
        found = [named] if named in parts else list(filter(MAIN_PART.fullmatch, parts))
        if not found:
            raise KeyError("word/document.xml")
        return archive.read(parts[found[0]])


def _named_part(relationships: bytes) -> str:
    """Return the document's name in the package's relationships, or ""."""
    for relationship in parse_xml(relationships):
        if str(relationship.get("Type")).endswith("/officeDocument"):
            target = _normal(str(relationship.get("Target")))
            return posixpath.normpath(target.lstrip("/"))
    return ""


def _normal(name: str) -> str:
    return name.replace("\\", "/").lower()


def _hidden(run: Any) -> bool:
    vanish = run.find(f"{qn('w:rPr')}/{qn('w:vanish')}")
    return vanish is not None and vanish.get(qn("w:val")) in HIDDEN_VALUES
