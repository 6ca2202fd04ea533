"""A feed as it is found in the world: broken, and still worth reading."""

from io import BytesIO

import feedparser

FEED = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Coast & harbour</title>
<item>
  <title>Ferry &lt;b&gt;delayed&lt;/b&gt; until six</title>
  <link>https://coast.example/ferry</link>
  <pubDate>Mon, 02 Mar 2026 06:30:00 +0100</pubDate>
</item>
<item>
  <title>Dike closed</title>
  <link>https://coast.example/dike</link>
  <pubDate>on the second of March, in the morning</pubDate>
</item>
</channel></rss>
"""


def main() -> None:
    document = feedparser.parse(BytesIO(FEED))
    print("version:", document.version, " bozo:", bool(document.bozo))
    for entry in document.entries:
        time = entry.get("published_parsed")
        print(f"{entry.title!r}  {time and tuple(time)[:5]}")


if __name__ == "__main__":
    main()
