"""The same three events as text and as JSON, and the question: what happened to document d7?"""

import json

EVENTS = [
    {"level": "INFO", "message": "parsed 12 pages", "document": "d7"},
    {"level": "INFO", "message": "parsed 7 pages, see d7 too", "document": "d3"},
    {"level": "ERROR", "message": "first line\nsecond line", "document": "d7"},
]


def main() -> None:
    text = "\n".join(f"{one['level']} {one['message']}" for one in EVENTS)
    found = [line for line in text.splitlines() if "d7" in line]
    print(
        f"text: {len(text.splitlines())} lines, {len(found)} with d7, and it is about another one"
    )
    lines = [json.dumps(one) for one in EVENTS]
    about = [one for one in map(json.loads, lines) if one["document"] == "d7"]
    print(f"JSON: {len(lines)} lines, {len(about)} about d7")


if __name__ == "__main__":
    main()
