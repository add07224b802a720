"""The WSGI application that the container serves, and its log."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from .price_list import load_price_list
from .responses import answer

_log = logging.getLogger("fruit_service")
_PRICES = load_price_list()


def service(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]

    def body() -> bytes:
        read: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return read

    response = answer(method, path, body, _PRICES)
    _log.info(json.dumps({"method": method, "path": path, "status": response.status}))
    start_response(
        f"{response.status} {HTTPStatus(response.status).phrase}",
        [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            *response.headers.items(),
        ],
    )
    return [] if method == "HEAD" else [response.body]


def main() -> None:
    """Serve on port 8080 until the container is stopped."""
    # Here, because tests need no server; the image has it.
    import waitress

    logging.basicConfig(
        stream=sys.stdout, format="%(message)s", level=os.environ.get("LOG_LEVEL", "INFO")
    )
    waitress.serve(
        service,
        # In the container's own network, where the load balancer alone may ask it.
        listen="*:8080",
        threads=8,
        ident="",
        # No request needs more, and more would be kept in a file, of which the container has none.
        max_request_body_size=65_536,
    )
