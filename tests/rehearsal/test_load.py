"""The load: each address is asked as often as said, also when it is slow or fails."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.load import load

ASKED: Counter[str] = Counter()


class Application(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ASKED[self.path] += 1
        self.send_response(500 if self.path == "/fails" else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    ASKED.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Application) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_each_address_is_asked_until_the_end(address: str) -> None:
    with load([f"{address}/works", f"{address}/fails"], per_minute=10, time_scale=60):
        time.sleep(1)
    asked = dict(ASKED)
    # 10 a second each; fewer on a busy machine.
    assert all(3 <= asked[path] <= 12 for path in ("/works", "/fails"))
    time.sleep(0.3)
    assert dict(ASKED) == asked


def test_nothing_elsewhere_is_asked() -> None:
    with (
        pytest.raises(
            RehearsalError, match=r"address https://fruit\.example is not on this machine"
        ),
        load(["https://fruit.example"], per_minute=1, time_scale=1),
    ):
        pass
