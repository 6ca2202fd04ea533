"""The same upload page, which hands out a receipt and does the slow work afterwards."""

import queue
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

WORK_SECONDS = 1.5
PATIENCE_SECONDS = 0.5

waiting: queue.Queue[tuple[str, str]] = queue.Queue()
states: dict[str, str] = {}


class UploadPage(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        title = self.rfile.read(int(self.headers["Content-Length"])).decode()
        receipt = str(uuid.uuid4())
        states[receipt] = "pending"
        waiting.put((receipt, title))
        self.reply(202, receipt)

    def do_GET(self) -> None:
        self.reply(200, states[self.path.strip("/")])

    def reply(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Write no log lines, so that only the output of this program is printed."""


def work() -> None:
    """Take one upload after another, for as long as the program runs."""
    while True:
        receipt, _title = waiting.get()
        time.sleep(WORK_SECONDS)  # parse, embed, index: here, only waiting
        states[receipt] = "completed"


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), UploadPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=work, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"

    answer = httpx.post(f"{address}/upload", content="report.pdf", timeout=PATIENCE_SECONDS)
    receipt = answer.text
    print(f"answered {answer.status_code} in {answer.elapsed.total_seconds():.2f} s")
    print("right after:", httpx.get(f"{address}/{receipt}").text)
    time.sleep(WORK_SECONDS + 0.5)
    print("a little later:", httpx.get(f"{address}/{receipt}").text)
    server.shutdown()


if __name__ == "__main__":
    main()
