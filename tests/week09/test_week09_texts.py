"""Plain text, addresses, document types and settings: the given parts of 9.1, without services."""

from __future__ import annotations

import sys

import pytest

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week

for layer in reference_layers(find_week("week09_news")):
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))

from pipeline.news.doctype import declares_entities  # noqa: E402 - the path comes first
from pipeline.news.feed_settings import NewsSettings  # noqa: E402
from pipeline.news.plain_text import clean, is_web_address, text_of  # noqa: E402


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Fish &amp; <b>chips</b></p>", "Fish & chips"),
        ("One<br>two<br/>three<p>four", "One two three four"),
        ("a <script>b()</script><style>c</style> d", "a d"),
        ("<svg><g>x</svg> y", "y"),
        ("a<script>b</svg> c", "a"),
        ("</script>a</p>", "a"),
        ("a < b &lt; c &#0; &nbsp;d", "a < b < c � d"),
        ("<!-- no --><![CDATA[no]]>yes", "yes"),
        ("", ""),
    ],
)
def test_text_of_html(html, text):
    assert text_of(html) == text


def test_clean():
    assert clean(" a\x00\t\nb\ud800  c ", 10) == "a b c"
    assert clean("abc def", 4) == "abc"
    assert len(clean("x" * 50, 7)) == 7


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("https://a.example/b?c=d#e", True),
        ("HTTP://A.example:8080", True),
        ("http://[2001:db8::1]/", True),
        ("https://a.example/" + "x" * 1982, True),
        ("https://a.example/" + "x" * 1983, False),
        ("https://user@a.example/", False),
        ("https://a.example:0/", False),
        ("https://a.example:65536/", False),
        ("https:///a", False),
        ("http://[broken/", False),
        ("https://a.example/b c", False),
        ("https://a.example/b\x00", False),
        ("//a.example/b", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_web_addresses(url, is_one):
    assert is_web_address(url) == is_one


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_document_types(encoding):
    declared = '<!DOCTYPE a [<!ENTITY b "c">]><a/>'
    plain = '<!DOCTYPE a SYSTEM "http://a.example/a.dtd"><a>&lt;!ENTITY b "c"></a>'
    assert declares_entities(declared.encode(encoding))
    assert not declares_entities(plain.encode(encoding))


@pytest.mark.parametrize(
    "document", [b"", b"\x00\xff", b"<a", b"text", b"<a><![CDATA[<!ENTITY a 'b'>]]></a>"]
)
def test_no_document_types(document):
    assert not declares_entities(document)


def test_an_entity_behind_a_parameter_entity():
    assert declares_entities(b"<!DOCTYPE a [<!ENTITY % p \"<!ENTITY q 'r'>\"> %p;]><a>&q;</a>")


@pytest.mark.parametrize(
    "wrong",
    [
        {"news_lease_seconds": 10, "news_fetch_seconds": 10},
        {"news_collect_seconds": 5, "news_fetch_seconds": 10},
        {"news_allowed_targets": "127.0.0.1:80"},
        {"news_tick_seconds": 0},
        {"news_feeds_per_tick": 0},
        {"news_ports": "0"},
    ],
)
def test_settings_that_cannot_be(wrong, monkeypatch):
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.delenv("NEWS_ALLOWED_TARGETS", raising=False)
    assert NewsSettings().news_ports == {80, 443, 8080, 8443}
    for name, value in wrong.items():
        monkeypatch.setenv(name.upper(), str(value))
    with pytest.raises(ValueError):
        NewsSettings()
