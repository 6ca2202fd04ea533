"""A page of another site sends a form to our server, which its author cannot reach."""

from browser import new_page, serving, until
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse

ours, theirs = FastAPI(), FastAPI()
log: list[str] = []


@ours.post("/unprotected/reports/7/cancel")
def cancel() -> str:
    log.append("unprotected: report 7 is cancelled")
    return "ok"


@ours.post("/protected/reports/7/cancel")
def cancel_protected(request: Request) -> str:
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        log.append(f"protected: refused, Sec-Fetch-Site is {site}")
        raise HTTPException(403)
    log.append("protected: report 7 is cancelled")
    return "ok"


@theirs.get("/{kind}")
def prize(kind: str, target: str) -> HTMLResponse:
    """A page with a button that promises something else."""
    form = f'<form method="post" action="{target}/{kind}/reports/7/cancel">'
    return HTMLResponse(f"<title>Win</title>{form}<button>Get your prize</button></form>")


def main() -> None:
    with serving(ours) as our_address, serving(theirs) as their_address, new_page() as page:
        ours_for_browser = our_address.replace("127.0.0.1", "localhost")  # two different sites
        for kind in ("unprotected", "protected"):
            before = len(log)
            page.goto(f"{their_address}/{kind}?target={ours_for_browser}")
            page.get_by_role("button", name="Get your prize").click()
            until(lambda: len(log) > before)  # noqa: B023
        print("\n".join(log))


if __name__ == "__main__":
    main()
