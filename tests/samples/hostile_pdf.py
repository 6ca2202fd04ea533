"""Hostile PDFs. `hostile.py` lists them."""

from __future__ import annotations

import io
import zlib

import pypdf
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject

from bootcamp.samples.documents import make_pdf

MB = 1024 * 1024
PASSWORD = "harbour"


# PDFs that are not what they should be


def encrypted_pdf(password: str = PASSWORD) -> bytes:
    """Opens only with a password. AES would need a further library; RC4 locks just as well here."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf(["The secret depth is nine metres."])))
    writer.encrypt(password, algorithm="RC4-128")
    return _written(writer)


def truncated_pdf() -> bytes:
    """The first third of a file: its table of contents and its pages are missing."""
    whole = make_pdf(["A page that was cut off while it was sent. " * 20] * 3)
    return whole[: len(whole) // 3]


def zero_bytes() -> bytes:
    """An empty file."""
    return b""


def pdf_header_only() -> bytes:
    """Looks like a PDF to a content sniffer, and holds nothing."""
    return b"%PDF-1.7\n"


def pdf_without_text(pages: int = 2) -> bytes:
    """Only drawn lines, as a scan would be: there is no text to extract."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, invariant=True)
    for _ in range(pages):
        for step in range(20):
            canvas.line(50, 50 + step * 30, 500, 60 + step * 30)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def pdf_without_pages() -> bytes:
    """A sound file with no page in it."""
    return _written(pypdf.PdfWriter())


# PDFs that cost


def pdf_with_many_pages(pages: int = 50_000) -> bytes:
    """So many pages that a worker would be busy for hours; all of them share one content stream."""
    kids = b" ".join(b"%d 0 R" % (number + 5) for number in range(pages))
    content = b"BT /F1 10 Tf 50 700 Td (Page after page after page.) Tj ET"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 3 0 R%s>>"
    resources = b"/Resources<</Font<</F1 4 0 R>>>>"
    return _pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, kids),
            _stream(content),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            *[page % resources] * pages,
        ]
    )


def pdf_claiming_many_pages(claimed: int = 2_000_000_000) -> bytes:
    """One page, in a tree that says it has two thousand million."""
    return make_pdf(["One page."]).replace(b"/Count 1", b"/Count %d" % claimed)


def pdf_stream_bomb(size: int = 300 * MB) -> bytes:
    """A page whose content is `size` bytes once unpacked, and a thousandth of that in the file."""
    packer = zlib.compressobj(9)
    piece = b"BT (a) Tj ET\n" * (MB // 13)
    packed = b"".join(packer.compress(piece) for _ in range(-(-size // len(piece))))
    packed += packer.flush()
    return _pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
            b"/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ]
    )


def pdf_page_tree_loop() -> bytes:
    """A page tree that is its own child."""
    return _pdf(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[2 0 R]/Parent 2 0 R>>"]
    )


def pdf_form_loop() -> bytes:
    """A page that draws a form that draws itself."""
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(595, 842)
    form = StreamObject()
    form.set_data(b"/Self Do BT (again) Tj ET")
    reference = writer._add_object(form)
    own = DictionaryObject({NameObject("/Self"): reference})
    form.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): ArrayObject(NumberObject(n) for n in (0, 0, 100, 100)),
            NameObject("/Resources"): DictionaryObject({NameObject("/XObject"): own}),
        }
    )
    drawn = StreamObject()
    drawn.set_data(b"/Self Do")
    page[NameObject("/Contents")] = writer._add_object(drawn)
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): own})
    return _written(writer)


def _pdf(objects: list[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    file = io.BytesIO()
    file.write(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(file.tell())
        file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    table = file.tell()
    file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    file.writelines(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    file.write(trailer % (len(objects) + 1, table))
    return file.getvalue()


def _stream(content: bytes) -> bytes:
    return b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)


def _written(writer: pypdf.PdfWriter) -> bytes:
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
