"""Objects that say of themselves what they are not."""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family

CHEATS = of_family(
    "lying",
    [
        Cheat(
            name="equal-to-everything",
            loses=("3.2",),
            story="Returns an object that is equal to whatever it is compared with.",
            says=("expected",),
            files=instead(
                "3.2",
                "return []",
                "return 0",
                """
                class Yes(list):
                    __hash__ = None
                    def __eq__(self, other): return True
                    def __ne__(self, other): return False
                    def __len__(self): return 10**6
                    def __contains__(self, other): return True
                return Yes([{"position": 0, "page": 1, "text": "x"}])
                """,
            ),
        ),
        Cheat(
            name="text-that-lies",
            loses=("3.2",),
            story="Chunks whose text says that it is short, stripped and found on every page.",
            says=("expected",),
            files=instead(
                "3.2",
                "return []",
                "return 0",
                """
                class Text(str):
                    def __len__(self): return 1
                    def strip(self, *_): return self
                    def __contains__(self, _): return True
                    def __eq__(self, _): return True
                    __hash__ = str.__hash__
                return [
                    Chunk(position=n, page=page["number"], text=Text("  lie  " * 999))
                    for n, page in enumerate(p for p in pages if p["text"].strip())
                ]
                """,
            ),
        ),
        Cheat(
            name="true-for-one",
            loses=("3.2",),
            story="False and True where positions 0 and 1 belong: equal to them, and no numbers.",
            says=("expected",),
            files=instead(
                "3.2",
                "return []",
                "return 0",
                "return [Chunk(position=bool(n), page=p['number'], text=p['text'].strip()[:200])"
                " for n, p in enumerate(pages) if p['text'].strip()]",
            ),
        ),
        Cheat(
            name="not-a-number",
            loses=("3.6",),
            story="NaN as every score: no comparison with it is ever false in the wrong direction.",
            says=("score",),
            files=instead(
                "3.6",
                """
                await cursor.execute(
                    "SELECT document_id, filename, page, text, 'NaN'::float8 AS score "
                    "FROM chunks JOIN documents USING (document_id) "
                    "ORDER BY embedding <=> %(vector)s::vector LIMIT %(limit)s",
                    {"vector": vector, "limit": limit},
                )
                return await cursor.fetchall()
                """,
            ),
        ),
        Cheat(
            name="answer-in-no-alphabet",
            loses=("3.6",),
            story="The API says that its text is coded as `hex`, a codec that gives no text: a "
            "grader that shows the answer breaks on it.",
            says=("expected",),
            files=instead(
                "3.6",
                "return []",
                """
                from fastapi.responses import Response
                return Response(b"7b7d", 200, {"content-type": "application/json; charset=hex"})
                """,
            ),
        ),
        Cheat(
            name="json-without-a-bottom",
            loses=("3.6",),
            story="An answer nested so deep that reading it exhausts the reader's stack.",
            says=("expected",),
            files=instead(
                "3.6",
                "return []",
                """
                from fastapi.responses import Response
                return Response(b"[" * 200_000, 200, {"content-type": "application/json"})
                """,
            ),
        ),
        Cheat(
            name="address-that-is-none",
            loses=("2.1",),
            story="A status_url on which every parser of addresses breaks.",
            says=("status_url",),
            files=instead(
                "2.1",
                None,
                "pass",
                """
                response.headers["Location"] = "//[::/tasks"
                return UploadAccepted(
                    task_id=document.document_id, status_url="//h:99999999/", document=document
                )
                """,
            ),
        ),
    ],
)
