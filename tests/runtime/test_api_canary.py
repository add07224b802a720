"""The canary of an API's synthetic test, against servers on loopback."""

import ast
import io
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.build_actions import SecretsManagerSecret
from dpra_constructs.monitoring import ApiStep
from dpra_constructs.monitoring.runtime import api_canary

SECRET = "Bearer s3cr3t-0a1b2c3d"
FRUITS = {"fruits": [{"name": "apple", "price": 3}, {"name": "pear", "price": 4}], "open": True}


class Server(BaseHTTPRequestHandler):
    """Answers by the path that it is asked for."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, dict[str, str], bytes]]

    def log_message(self, format: str, *args: object) -> None:
        return

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.asked.append((self.command, self.path, dict(self.headers), body))
        route = self.path.partition("?")[0].strip("/").replace("-", "_") or "healthy"
        getattr(self, route)()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

    def reply(
        self,
        body: bytes = json.dumps(FRUITS).encode(),
        status: int = 200,
        content_type: str | None = "application/json",
        **headers: str,
    ) -> None:
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    def healthy(self) -> None:
        self.reply()

    def failing(self) -> None:
        self.reply(status=500)

    def not_there(self) -> None:
        self.reply(b"{}", status=404)

    def created(self) -> None:
        self.reply(b"{}", status=201)

    def no_content(self) -> None:
        self.send_response(204)
        self.end_headers()

    def redirect(self) -> None:
        self.reply(b"", status=302, Location="/healthy")

    def redirect_elsewhere(self) -> None:
        self.reply(b"", status=301, Location="http://127.0.0.1:9/away")

    def slow(self) -> None:
        time.sleep(0.3)
        self.reply()

    def silent(self) -> None:
        time.sleep(1.6)
        self.close_connection = True

    def dripping(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(16):
            try:
                self.wfile.write(b"x")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.1)

    def dripping_until_closed(self) -> None:
        self.raw(b"HTTP/1.0 200 OK\r\n\r\n")
        self.dripping_tail()

    def dripping_tail(self) -> None:
        for _ in range(16):
            try:
                self.wfile.write(b"x")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.1)

    def dripping_headers(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\n")
        for number in range(16):
            try:
                self.raw(b"X-%d: y\r\n" % number)
            except OSError:
                return
            time.sleep(0.1)

    def hanging_up(self) -> None:
        self.close_connection = True

    def cut_off(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    def cut_off_chunks(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this")

    def bad_chunks(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnothing\r\n")

    def chunks(self) -> None:
        body = json.dumps(FRUITS).encode()
        self.raw(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
            b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        )

    def malformed(self) -> None:
        self.raw(b"I am no HTTP at all\r\n\r\n")

    def bad_status(self) -> None:
        self.raw(b"HTTP/1.1 abc OK\r\n\r\n")

    def endless_header(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n")

    def too_many_headers(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n")

    def html(self) -> None:
        self.reply(b"<html></html>", content_type="text/html")

    def no_content_type(self) -> None:
        self.reply(content_type=None)

    def problem_json(self) -> None:
        self.reply(content_type="application/problem+json; charset=utf-8")

    def invalid_json(self) -> None:
        self.reply(b'{"fruits": [')

    def empty(self) -> None:
        self.reply(b"")

    def deep(self) -> None:
        self.reply(b"[" * 200_000 + b"]" * 200_000)

    def not_text(self) -> None:
        self.reply(b"\xff\xfe\xfd\x00\x81")

    def huge(self) -> None:
        self.reply(b'"' + b"x" * (api_canary.MOST_BYTES + 10) + b'"')

    def endless(self) -> None:
        self.raw(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
        try:
            for _ in range(64):
                self.raw(b"x" * 65_536)
        except OSError:
            return

    def echo(self) -> None:
        """Give the secret back in the status line, a header and the body."""
        secret = self.headers.get("Authorization", "")
        text = json.dumps({"token": secret})
        self.raw(
            f"HTTP/1.1 500 {secret}\r\nContent-Type: {secret}\r\nX-Token: {secret}\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}".encode()
        )

    def echo_ok(self) -> None:
        secret = self.headers.get("Authorization", "")
        self.reply(json.dumps({"token": secret}).encode(), X_Token=secret)

    def echo_type(self) -> None:
        self.reply(content_type=f"text/{self.headers.get('Authorization', '')}")

    def echo_malformed(self) -> None:
        self.raw(f"{self.headers.get('Authorization', '')}\r\n\r\n".encode())

    def echo_no_json(self) -> None:
        self.reply(self.headers.get("Authorization", "").encode())


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    Server.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as address:
        yield address


def step(path: str = "/healthy", **values: Any) -> dict[str, Any]:
    return ApiStep("Look", path=path, timeout_seconds=1, **values).request


def problem(url: str, *steps: dict[str, Any]) -> str:
    """Run steps of which some fail, and return what the first one says."""
    lines: list[str] = []
    with pytest.raises(api_canary.SyntheticTestFailedError):
        api_canary.run(steps, url, log=lines.append)
    return str(next(json.loads(line)["problem"] for line in lines if "problem" in line))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/healthy", {}),
        ("/healthy?limit=2", {}),
        ("/failing", {"expected_status": 500}),
        ("/not-there", {"expected_status": 404}),
        ("/created", {"method": "POST", "body": {"name": "fig"}, "expected_status": 201}),
        ("/no-content", {"method": "DELETE", "expected_status": 204}),
        ("/healthy", {"method": "HEAD"}),
        ("/healthy", {"method": "OPTIONS"}),
        ("/redirect", {"expected_status": 302}),
        ("/slow", {"latency_limit_ms": 1000}),
        ("/chunks", {"json_checks": {"open": True}}),
        ("/problem-json", {"json_checks": {"open": True}}),
        ("/html", {}),
        ("/huge", {}),
        ("/endless", {}),
        ("/invalid-json", {}),
        ("/healthy", {"json_checks": {"fruits[0].name": "apple"}}),
        ("/healthy", {"json_checks": {"fruits[].price": [3, 4], "length(fruits)": 2}}),
        ("/healthy", {"json_checks": {"fruits[1]": {"name": "pear", "price": 4.0}}}),
        ("/healthy", {"json_checks": {"missing": None}}),
    ],
)
def test_an_answer_that_is_as_expected_passes(url: str, path: str, values: dict[str, Any]) -> None:
    assert api_canary.run([step(path, **values)], url, log=lambda line: None) == "1 steps passed"


@pytest.mark.parametrize(
    ("path", "values", "says"),
    [
        ("/failing", {}, "status 500 instead of 200"),
        ("/not-there", {}, "status 404 instead of 200"),
        ("/healthy", {"expected_status": 201}, "status 200 instead of 201"),
        ("/redirect", {}, "status 302 instead of 200"),
        ("/redirect-elsewhere", {}, "status 301 instead of 200"),
        ("/slow", {"latency_limit_ms": 200}, "ms instead of at most 200 ms"),
        ("/silent", {}, "there is no whole answer within 1 seconds"),
        ("/dripping", {}, "there is no whole answer within 1 seconds"),
        ("/dripping-until-closed", {}, "there is no whole answer within 1 seconds"),
        ("/dripping-headers", {}, "there is no whole answer within 1 seconds"),
        ("/hanging-up", {}, "the connection broke off before the answer was whole"),
        ("/cut-off", {}, "the connection broke off before the answer was whole"),
        ("/cut-off-chunks", {}, "the connection broke off before the answer was whole"),
        ("/bad-chunks", {}, "the connection broke off before the answer was whole"),
        ("/malformed", {}, "the answer is not HTTP (BadStatusLine)"),
        ("/bad-status", {}, "the answer is not HTTP (BadStatusLine)"),
        ("/endless-header", {}, "the answer is not HTTP (LineTooLong)"),
        ("/too-many-headers", {}, "the answer is not HTTP (HTTPException)"),
        ("/html", {"json_checks": {"open": True}}, "the content type is not that of JSON"),
        (
            "/no-content-type",
            {"json_checks": {"open": True}},
            "the content type is not that of JSON",
        ),
        ("/invalid-json", {"json_checks": {"open": True}}, "the body is not JSON"),
        ("/empty", {"json_checks": {"open": True}}, "the body is not JSON"),
        ("/deep", {"json_checks": {"open": True}}, "the body is not JSON"),
        ("/not-text", {"json_checks": {"open": True}}, "the body is not JSON"),
        ("/huge", {"json_checks": {"@": "x"}}, "the body has more than the 1048576 bytes"),
        ("/endless", {"json_checks": {"@": "x"}}, "the body has more than the 1048576 bytes"),
        ("/healthy", {"json_checks": {"open": False}}, "'open' is not what is expected"),
        ("/healthy", {"json_checks": {"open": 1}}, "'open' is not what is expected"),
        ("/healthy", {"json_checks": {"missing": "x"}}, "'missing' is not what is expected"),
        ("/healthy", {"json_checks": {"fruits[].price": [3]}}, "is not what is expected"),
        ("/healthy", {"json_checks": {"fruits[0]": {"name": "apple"}}}, "is not what is expected"),
        ("/healthy", {"json_checks": {"fruits[0].price": True}}, "is not what is expected"),
        ("/healthy", {"json_checks": {"length(open)": 1}}, "'length(open)' cannot be read in"),
        ("/healthy", {"json_checks": {"nonsense(@)": 1}}, "'nonsense(@)' cannot be read in"),
    ],
)
def test_an_answer_that_is_off_fails(
    url: str, path: str, values: dict[str, Any], says: str
) -> None:
    assert says in problem(url, step(path, **values))


def test_a_closed_port_fails() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert problem(f"http://127.0.0.1:{port}", step()) == "the connection is refused"


def test_a_server_that_accepts_and_says_nothing_fails() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
        for scheme in ("http", "https"):
            said = problem(f"{scheme}://127.0.0.1:{port}", step())
            assert said == "there is no whole answer within 1 seconds"


def test_a_server_that_is_not_known_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert problem("https://nowhere.acme.example", step()) == "the name of the server is not known"


def test_a_server_without_tls_fails(url: str) -> None:
    said = problem(url.replace("http:", "https:"), step())
    assert said == "the server does not speak TLS as it has to"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, with its key."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    whole = folder / "whole.pem"
    whole.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return whole


@contextmanager
def tls(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as address:
        yield address


def test_a_certificate_that_nobody_signed_fails(certificate: Path) -> None:
    with tls(certificate) as address:
        assert problem(address, step()) == "the server's certificate is not valid for it"


def test_a_valid_certificate_passes(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tls(certificate) as address:
        assert api_canary.run([step()], address, log=lambda line: None) == "1 steps passed"


def test_a_certificate_of_another_name_fails(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tls(certificate) as address:
        other = address.replace("127.0.0.1", "localhost")
        assert problem(other, step()) == "the server's certificate is not valid for it"


def test_the_request_is_what_the_step_says(url: str) -> None:
    Server.asked.clear()
    made = ApiStep(
        "Make", method="PUT", path="/created?dry=1", headers={"X-Fruit": "fig"}, body={"price": 5},
        expected_status=201,
    )  # fmt: skip
    api_canary.run([made.request], url + "/", log=lambda line: None)
    ((method, path, headers, body),) = Server.asked
    assert (method, path, json.loads(body)) == ("PUT", "/created?dry=1", {"price": 5})
    assert headers["X-Fruit"] == "fig"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "dpra-constructs-synthetic-test"


def test_a_path_of_the_url_comes_before_that_of_the_step(url: str) -> None:
    Server.asked.clear()
    problem(url + "/v1/", step("/healthy"), step("/healthy"))
    assert {path for _, path, _, _ in Server.asked} == {"/v1/healthy"}


def test_redirects_are_not_followed(url: str) -> None:
    Server.asked.clear()
    problem(url, step("/redirect"))
    assert [path for _, path, _, _ in Server.asked] == ["/redirect"]


def test_the_steps_after_a_failed_one_run_too(url: str) -> None:
    lines: list[str] = []
    steps = [step("/failing"), step("/healthy"), step("/not-there")]
    with pytest.raises(api_canary.SyntheticTestFailedError) as failed:
        api_canary.run(steps, url, log=lines.append)
    assert [json.loads(line)["passed"] for line in lines] == [False, True, False]
    assert str(failed.value) == ("Look: status 500 instead of 200; Look: status 404 instead of 200")


def test_a_step_is_logged_with_status_and_latency(url: str) -> None:
    lines: list[str] = []
    api_canary.run([step()], url, log=lines.append)
    record = json.loads(lines[0])
    assert {**record, "latency_ms": 0} == {
        "step": "Look",
        "status": 200,
        "latency_ms": 0,
        "passed": True,
    }


class Secrets:
    """Secrets Manager with one secret, or with what it does instead."""

    def __init__(self, value: str | Exception) -> None:
        self.value = value
        self.calls: list[str] = []

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
        self.calls.append(SecretId)
        if isinstance(self.value, Exception):
            raise self.value
        return {"SecretString": self.value}


def secret_step(path: str = "/healthy", json_key: str | None = None, **more: Any) -> dict[str, Any]:
    reference = SecretsManagerSecret("fruit/canary", json_key=json_key)
    return step(path, secret_headers={"Authorization": reference}, **more)


def test_a_secret_is_sent_as_a_header(url: str) -> None:
    Server.asked.clear()
    read = api_canary.secret_reader(Secrets(f"{SECRET}\n"))
    api_canary.run([secret_step()], url, read, log=lambda line: None)
    assert Server.asked[0][2]["Authorization"] == SECRET


def test_a_value_of_a_secret_is_sent_and_the_secret_read_once(url: str) -> None:
    Server.asked.clear()
    client = Secrets(json.dumps({"authorization": SECRET}))
    steps = [secret_step(json_key="authorization")] * 2
    api_canary.run(steps, url, api_canary.secret_reader(client), log=lambda line: None)
    assert [asked[2]["Authorization"] for asked in Server.asked] == [SECRET, SECRET]
    assert client.calls == ["fruit/canary"]


def test_a_secret_is_not_sent_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("it connected"))
    lines: list[str] = []
    read = api_canary.secret_reader(Secrets(SECRET))
    with pytest.raises(api_canary.SyntheticTestFailedError, match="over TLS only"):
        api_canary.run([secret_step()], "http://api.acme.example", read, log=lines.append)


@pytest.mark.parametrize(
    ("path", "secret", "more"),
    [
        ("/echo", SECRET, {}),
        ("/echo-ok", SECRET, {"json_checks": {"token": "other"}}),
        ("/echo-ok", SECRET, {"json_checks": {"length(token.a)": 1}}),
        ("/echo-ok", SECRET, {"json_checks": {"abs(token)": 1}}),
        ("/echo-type", SECRET, {"json_checks": {"token": "other"}}),
        ("/echo-malformed", SECRET, {}),
        ("/echo-no-json", SECRET, {"json_checks": {"token": "other"}}),
        ("/echo-ok", f"{SECRET}\nX-Other: 1", {}),
        ("/echo-ok", f"{SECRET}\u20ac", {}),
        ("/echo-ok", f"{SECRET}\x00", {}),
    ],
)
def test_no_secret_comes_into_a_log(
    url: str, path: str, secret: str, more: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = _everything_shown(
        lambda: api_canary.run(
            [secret_step(path, **more)], url, api_canary.secret_reader(Secrets(secret))
        )
    )
    assert "problem" in shown
    assert "s3cr3t" not in shown + caplog.text


@pytest.mark.parametrize(
    "value",
    [
        RuntimeError(f"{SECRET} is denied"),
        f"no JSON {SECRET}",
        json.dumps({"s3cr3t": SECRET}),
        json.dumps({"authorization": {"s3cr3t": SECRET}}),
        json.dumps([SECRET]),
    ],
)
def test_a_secret_that_cannot_be_read_fails_without_being_shown(
    url: str, value: str | Exception
) -> None:
    shown = _everything_shown(
        lambda: api_canary.run(
            [secret_step(json_key="authorization")], url, api_canary.secret_reader(Secrets(value))
        )
    )
    assert "the secret of a header cannot be read" in shown
    assert "s3cr3t" not in shown


def test_the_body_of_a_request_comes_into_no_log(url: str) -> None:
    sent = step("/failing", method="POST", body={"pin": "s3cr3t"})
    shown = _everything_shown(lambda: api_canary.run([sent], url))
    assert "status 500" in shown
    assert "s3cr3t" not in shown


def _everything_shown(test: Callable[[], object]) -> str:
    """Return what a failing run writes, and its traceback with all that it hangs on."""
    written = io.StringIO()
    with redirect_stdout(written), redirect_stderr(written):
        try:
            test()
        except api_canary.SyntheticTestFailedError as error:
            chain: BaseException | None = error
            while chain:
                written.write("".join(traceback.format_exception(chain)) + repr(chain))
                chain = chain.__context__ or chain.__cause__
        else:
            pytest.fail("it passed")
    return written.getvalue()


def test_the_handler_reads_the_steps_beside_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "steps.json").write_text(json.dumps([step("/healthy"), step("/slow")]))
    monkeypatch.setattr(api_canary, "__file__", str(tmp_path / "api_canary.py"))
    monkeypatch.setenv("BASE_URL", url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert api_canary.handler({}, None) == "2 steps passed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@given(JSON, JSON)
def test_values_are_the_same_when_their_json_is(one: object, other: object) -> None:
    written = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert api_canary._same(one, other) is written


@given(JSON)
def test_a_document_is_what_it_is(document: object) -> None:
    answer = api_canary.Answer(200, "application/json", json.dumps(document).encode(), True, 1)
    api_canary.check({**step(), "json_checks": {"@": document}}, answer)


def test_the_canary_needs_nothing_that_its_runtime_has_not() -> None:
    tree = ast.parse(Path(api_canary.__file__).read_text("utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - sys.stdlib_module_names == {"boto3", "jmespath"}
