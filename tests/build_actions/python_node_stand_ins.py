"""Stand-ins on this machine for the services that tools ask, in the form of the real ones."""

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# A request: method, path and JSON. An answer: status and JSON.
Answer = tuple[int, Any]


class _Service(BaseHTTPRequestHandler):
    def answer(self, method: str, path: str, body: Any) -> Answer:
        raise NotImplementedError

    def _do(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        status, answer = self.answer(method, self.path, json.loads(body) if body else None)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def _serving(handler: type[_Service]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def npm_registry(advisories: Mapping[str, list[Any]]) -> Iterator[str]:
    """Serve npm's bulk advisories and, for each package, its versions 1.0.0 and 2.0.0."""

    class Registry(_Service):
        def answer(self, method: str, path: str, body: Any) -> Answer:
            if path == "/-/npm/v1/security/advisories/bulk":
                return 200, {name: advisories[name] for name in body if name in advisories}
            name = path.strip("/")
            versions = {each: {"name": name, "version": each} for each in ("1.0.0", "2.0.0")}
            return 200, {"name": name, "dist-tags": {"latest": "2.0.0"}, "versions": versions}

    with _serving(Registry) as address:
        yield address


@contextmanager
def osv(advisories: Mapping[str, Any], affected: Mapping[str, list[str]]) -> Iterator[str]:
    """Serve advisories by id, and by package those that affect it."""

    class Osv(_Service):
        def answer(self, method: str, path: str, body: Any) -> Answer:
            if path == "/v1/query":
                ids = affected.get(body["package"]["name"], [])
                return 200, {"vulns": [advisories[each] for each in ids]} if ids else {}
            found = advisories.get(path.removeprefix("/v1/vulns/"))
            return (200, found) if found else (404, {"code": 5, "message": "Bug not found."})

    with _serving(Osv) as address:
        yield address


@contextmanager
def refusing() -> Iterator[str]:
    """Serve a refusal of whatever key is given."""

    class Refusing(_Service):
        def answer(self, method: str, path: str, body: Any) -> Answer:
            return 401, {"detail": "Invalid API key."}

    with _serving(Refusing) as address:
        yield address
