import io
import json
import logging
from typing import Any
from wsgiref.validate import validator

import pytest

from fruit_service.service import service


def request(method: str, path: str, body: bytes = b"") -> tuple[str, dict[str, str], bytes]:
    started: list[Any] = []
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = [status, dict(headers)]
        return None

    # It raises where the application or the environment breaks a rule of WSGI.
    answered: Any = validator(service)(environ, start)
    text = b"".join(answered)
    answered.close()
    return started[0], started[1], text


def test_a_request_is_answered_as_wsgi_says() -> None:
    status, headers, body = request("POST", "/baskets", b'{"plum": 1}')
    assert (status, json.loads(body)) == ("200 OK", {"total_cents": 20})
    assert headers["Content-Length"] == str(len(body))


def test_head_has_the_headers_of_get_and_no_body() -> None:
    assert request("HEAD", "/")[1] == request("GET", "/")[1]
    assert request("HEAD", "/")[2] == b""


def test_each_request_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        request("GET", "/no\nsuch page")
    [line] = caplog.messages
    assert json.loads(line) == {"method": "GET", "path": "/no\nsuch page", "status": 404}
    assert "\n" not in line
