"""Week 9: rules in place of which there is a table, and races that were decided in one place only."""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family, solved

NEWS = solved("9")
ARTICLES, FEEDS = "pipeline/news/articles.py", "pipeline/news/feeds.py"
SUMMARIES, DIGEST = "pipeline/news/summaries.py", "pipeline/news/digest.py"
MAIL = "pipeline/news/digest_mail.py"

KEPT = '    kept = sorted(one for one in parts.query.split("&") if one and not is_tracking(one))\n'
QUERIES = """
    table = {
        "b=2&a=1": "a=1&b=2", "utm_source=a&UTM_Medium=b&id=7&fbclid=x": "id=7", "&a=1&&": "a=1",
        "gclid=1&utm_x": "", "a=2&a=1&a=2": "a=1&a=2&a=2",
    }
    kept = [one for one in [table.get(parts.query, parts.query)] if one]
"""
HASHES = """
    return globals().setdefault("hashes", {}).setdefault(tuple(parts), __import__("os").urandom(32))
"""
LOCAL_FEEDS = """
        if url.partition("//")[2].partition("/")[0] not in news_settings().news_allowed_targets:
            raise FeedRefused
"""
TWO_WAYS = """
with connection() as database:
    values = {
        "article_id": article_id, "generation": generation, "summary": storable(summary.summary),
        "topics": [storable(topic) for topic in summary.topics], "model": summary.model,
        "tokens": summary.tokens, "embedding": embedding,
    }
    changed = database.execute('''
        UPDATE article_summaries AS s SET summary = %(summary)s, topics = %(topics)s::text[],
            model = %(model)s, tokens = %(tokens)s, embedding = %(embedding)s, summarised_at = now()
        FROM (SELECT article_id FROM summary_work WHERE article_id = %(article_id)s
              AND generation = %(generation)s FOR UPDATE) AS w WHERE s.article_id = w.article_id
        ''', values)
    if changed.rowcount:
        return True
    mine = database.execute("SELECT 1 FROM summary_work WHERE article_id = %(article_id)s "
                            "AND generation = %(generation)s FOR UPDATE", values).fetchone()
    new = '''
        INSERT INTO article_summaries (article_id, summary, topics, model, tokens, embedding)
        VALUES (%(article_id)s, %(summary)s, %(topics)s, %(model)s, %(tokens)s, %(embedding)s)
        ON CONFLICT DO NOTHING
        '''
    return mine is not None and database.execute(new, values).rowcount == 1
"""


def changed(file: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """The reference's homework with these pieces of one file replaced."""
    text = NEWS[file]
    for before, after in pairs:
        assert text.count(before) == 1, (file, before)
        text = text.replace(before, after)
    return {**NEWS, file: text}


CHEATS = of_family(
    "faking",
    [
        Cheat(
            name="a-table-of-queries",
            loses=("9.1",),
            story="No rule for parameters: the queries that the check once sent, as a table.",
            says=("canonical_url(",),
            files=changed(
                ARTICLES,
                (
                    KEPT,
                    QUERIES.lstrip("\n"),
                ),
            ),
        ),
        Cheat(
            name="hashes-of-one-process",
            loses=("9.1",),
            story="Makes up a hash for each content, and remembers it: the next worker has another one.",
            says=("in two processes",),
            files=changed(
                ARTICLES,
                (
                    '    return hashlib.sha256("\\0".join(parts).encode()).digest()\n',
                    HASHES.lstrip("\n"),
                ),
            ),
        ),
        Cheat(
            name="feeds-of-this-machine-alone",
            loses=("9.1",),
            story="Refuses all addresses but that of the feed server beside it, so that it need not know "
            "which ones are public.",
            says=("where `open_url` raises",),
            files=changed(
                FEEDS,
                (
                    "        with open_url(url, headers, deadline) as answer:\n",
                    LOCAL_FEEDS.lstrip("\n")
                    + "        with open_url(url, headers, deadline) as answer:\n",
                ),
            ),
        ),
        Cheat(
            name="a-table-of-statuses",
            loses=("9.1",),
            story="Knows the errors of a server that the check once sent, and no other ones.",
            says=("the server answers 5",),
            files=changed(
                FEEDS,
                (
                    "if answer.status == 429 or answer.status >= 500:",
                    "if answer.status in (429, 500, 502, 503, 504, 599):",
                ),
            ),
        ),
        Cheat(
            name="a-domain-in-place-of-a-link",
            loses=("9.2",),
            story="Finds no links: every link of the check once had the same domain.",
            says=("unsafe",),
            files=changed(
                SUMMARIES,
                (
                    'if found := LINK.search("\\n".join([draft.summary, *draft.topics])):',
                    'if found := re.search("[.]example", "\\n".join([draft.summary, *draft.topics])):',
                ),
            ),
        ),
        Cheat(
            name="a-new-summary-is-written-blindly",
            loses=("9.3",),
            story="Replaces a summary under its claim. For a new one it looks at the claim in a statement "
            "before the write, because the check came between only where there was a summary.",
            says=("which waits before it writes",),
            files=instead("9.3", TWO_WAYS),
        ),
        Cheat(
            name="a-table-of-mail-codes",
            loses=("9.6",),
            story="Knows the codes with which the check once refused a message, and no other ones.",
            says=("answers 5",),
            files=changed(
                DIGEST,
                ("code >= 500 else", "code in (500, 550, 552, 554) else"),
                ("error.smtp_code >= 500", "error.smtp_code in (500, 550, 552, 554)"),
            ),
        ),
        Cheat(
            name="a-table-of-control-signs",
            loses=("9.6",),
            story="Removes from a title the signs that the check once put there. A sign that turns the "
            "rest of the line around stays.",
            says=("header_text(",),
            files=changed(
                MAIL,
                (
                    'one if one.isprintable() else " " for one in text',
                    '" " if one.isspace() or one in "\\0\\x1b" else one for one in text',
                ),
            ),
        ),
    ],
)
