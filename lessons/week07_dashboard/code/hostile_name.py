"""A file has a name that is markup. Three pages show it."""

import json
import time
from html import escape

from browser import FOLDER, new_page, serving
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response

NAMES = ["report.pdf", "<img src=x onerror=\"document.title='stolen'\"><b>urgent.pdf"]
POLICY = "default-src 'self'; base-uri 'none'; object-src 'none'"

app = FastAPI()


@app.get("/page/{script}")
def page(script: str, policy: bool = False) -> HTMLResponse:
    """A page that shows the names with one of the scripts."""
    names = escape(json.dumps(NAMES))
    html = f"""<!doctype html><title>Reports</title>
        <ul id="reports" data-names="{names}"></ul><script src="/{script}"></script>"""
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY} if policy else {})


@app.get("/as_{how}.js")
def script(how: str) -> Response:
    path = FOLDER / ("as_text.js" if how == "text" else "as_markup.js")
    return Response(path.read_text(), media_type="text/javascript")


def main() -> None:
    with serving(app) as address, new_page() as page:
        for title, path in (
            ("innerHTML", "as_markup.js"),
            ("innerHTML, with a policy", "as_markup.js?policy=1"),
            ("textContent", "as_text.js"),
        ):
            page.goto(f"{address}/page/{path}")
            time.sleep(0.3)  # the picture is looked for
            print(f"{title}:")
            print("  the name's script ran:", page.title() == "stolen")
            print("  what the user sees:   ", page.get_by_role("listitem").last.inner_text())


if __name__ == "__main__":
    main()
