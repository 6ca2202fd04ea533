"""What a DOCX holds: an archive of XML, and in it more than paragraphs."""

from collections import Counter
from zipfile import ZipFile

from docx import Document
from docx.document import Document as WordDocument
from docx.oxml.ns import qn
from local import SAMPLES

REPORT = SAMPLES / "harbour_report.docx"


def words_in_paragraphs(document: WordDocument) -> int:
    """Count the words of `document.paragraphs`, which most tutorials read."""
    return sum(len(paragraph.text.split()) for paragraph in document.paragraphs)


def words_in_body(document: WordDocument) -> int:
    """Count the words of all text elements, also of those inside tables."""
    return sum(len(element.text.split()) for element in document.element.body.iter(qn("w:t")))


def outline(document: WordDocument) -> Counter[str]:
    """How often each kind of element stands in the body."""
    names = Counter(element.tag.partition("}")[2] for element in document.element.body.iter())
    breaks = document.element.body.iter(qn("w:br"))
    names["page break"] = sum(one.get(qn("w:type")) == "page" for one in breaks)
    return names


def main() -> None:
    with ZipFile(REPORT) as archive:
        print("members:", len(archive.namelist()), "- the text is in word/document.xml")
        xml = archive.read("word/document.xml").decode()
    print(xml[xml.rindex("<w:p>") : xml.rindex("</w:p>")] + "</w:p>")
    document = Document(REPORT)
    names = outline(document)
    for name, kind in KINDS.items():
        print(f"{name}: {names[name]} {kind}")
    print("words in document.paragraphs:", words_in_paragraphs(document))
    print("words in the body:", words_in_body(document))


KINDS = {
    "p": "paragraphs",
    "tr": "table rows",
    "tc": "cells",
    "t": "pieces of text",
    "page break": "explicit",
    "lastRenderedPageBreak": "noted by Word",
}

if __name__ == "__main__":
    main()
