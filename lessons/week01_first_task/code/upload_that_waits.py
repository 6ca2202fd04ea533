"""An upload page that does the slow work inside the request, and a visitor who gives up."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

WORK_SECONDS = 1.5
PATIENCE_SECONDS = 0.5

finished: list[str] = []


class UploadPage(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        title = self.rfile.read(int(self.headers["Content-Length"])).decode()
        time.sleep(WORK_SECONDS)  # parse, embed, index: here, only waiting
        finished.append(title)
        try:
            self.send_response(200)
            self.end_headers()
        except ConnectionError:
            pass  # nobody is there any more

    def log_message(self, *_: object) -> None:
        """Write no log lines, so that only the output of this program is printed."""


def visit(address: str) -> str:
    """Upload once, and wait as long as a visitor would."""
    try:
        answer = httpx.post(address, content="report.pdf", timeout=PATIENCE_SECONDS)
    except httpx.TimeoutException:
        return f"gave up after {PATIENCE_SECONDS} s"
    return f"answered {answer.status_code}"


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), UploadPage)
    server.daemon_threads = False  # a request that has begun is worked to its end
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/upload"

    print("first try: ", visit(address))
    print("second try:", visit(address))
    server.shutdown()
    server.server_close()  # waits for the requests that are still at work
    print(f"the visitor has no answer, and the server did the work {len(finished)} times")


if __name__ == "__main__":
    main()
