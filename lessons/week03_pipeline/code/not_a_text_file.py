"""What a PDF holds: looks for a word in its bytes, in its drawing instructions, in its text."""

from local import SAMPLES
from pypdf import PdfReader

HANDBOOK = SAMPLES / "lighthouse_handbook.pdf"
WORD = "mercury"


def main() -> None:
    print(f"bytes of the file with '{WORD}':", HANDBOOK.read_bytes().count(WORD.encode()))

    reader = PdfReader(HANDBOOK)
    page = reader.pages[1]
    print("what page 2 tells the printer, in part:")
    instructions = page.get_contents().get_data().decode("latin-1").splitlines()
    for line in [one for one in instructions if WORD in one][:2]:
        print(f"   {line[:100]}")

    for number, page in enumerate(reader.pages, start=1):
        print(f"page {number}: '{WORD}' {page.extract_text().count(WORD)} times")


if __name__ == "__main__":
    main()
