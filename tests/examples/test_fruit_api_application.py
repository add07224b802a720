"""The fruit API: its wheel, its function behind HTTP, its settings."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs import InvalidArgumentError
from examples.fruit_api.infrastructure import Settings
from examples.fruit_api.infrastructure.application import DIST, wheel_in
from tests.conftest import ROOT, Synthesized, resources

EXAMPLE = ROOT / "examples" / "fruit_api"
CONTEXT: dict[str, Any] = json.loads((EXAMPLE / "cdk.json").read_text())["context"]["fruit-api"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The routes of the wheel behind a real HTTP server, with a table in memory."""
    sys.path.insert(0, str(wheel_in(DIST)))
    from fruit_api.limits import load_limits
    from fruit_api.routes import answer
    from fruit_api.store import FruitStore

    from examples.fruit_api.tests.unit.test_routes import TableInMemory

    table: Any = TableInMemory()
    store, limits = FruitStore(table), load_limits()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("content-length", 0))
            event = {
                "requestContext": {"http": {"method": self.command}},
                "rawPath": self.path,
                "body": self.rfile.read(length).decode(),
            }
            response = answer(event, store, limits)
            self.send_response(response["statusCode"])
            for name, value in response.get("headers", {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.get("body", "").encode())

        do_GET = do_PUT = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
    sys.path.remove(str(wheel_in(DIST)))


def run_tests(folder: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", folder],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHONPATH": str(wheel_in(DIST)), **variables},
        capture_output=True,
        text=True,
    )


def test_its_unit_tests_pass_on_the_wheel() -> None:
    done = run_tests("tests/unit")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", ["integration", "acceptance"])
def test_its_tests_pass_against_its_routes(kind: str, address: str) -> None:
    done = run_tests(f"tests/{kind}", API_URL=address)
    assert done.returncode == 0, done.stdout


def test_its_integration_tests_fail_against_nothing() -> None:
    assert run_tests("tests/integration", API_URL="http://127.0.0.1:1").returncode == 1


def test_its_wheel_is_reproducible(tmp_path: Path) -> None:
    for name in ("a", "b"):
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
        subprocess.run(
            [*command, "--outdir", str(tmp_path / name), str(EXAMPLE)],
            check=True,
            capture_output=True,
        )
    assert wheel_in(tmp_path / "a").read_bytes() == wheel_in(tmp_path / "b").read_bytes()
    assert wheel_in(tmp_path / "a").read_bytes() == wheel_in(DIST).read_bytes()


@pytest.mark.parametrize("names", [[], ["a.whl", "b.whl"]])
def test_no_wheel_or_several_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    found = ", ".join(names) or "no wheel"
    with pytest.raises(InvalidArgumentError, match=f"has {found}, and the function's code is one"):
        wheel_in(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "it is missing, and has to be an object"),
        ({"accounts": None}, "accounts is missing, and has to be an object"),
        (
            {"accounts": {**CONTEXT["accounts"], "beta": 222222222222}},
            'accounts.beta is 222222222222, and has to be a text like "111111111111"; write it '
            'like "beta": "111111111111"',
        ),
        (
            {"accounts": {"tools": "111111111111"}},
            "accounts.beta is missing, and has to be a text like",
        ),
        ({"connection_arn": "mine"}, "connection_arn is 'mine', and has to be a text like"),
        ({"repository": "fruit-api"}, "repository is 'fruit-api', and has to be a text like"),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, Any] | None, message: str) -> None:
    context = None if change is None else {**CONTEXT, **change}
    with pytest.raises(InvalidArgumentError) as refused:
        Settings.from_context(context)
    assert str(refused.value).startswith('cdk.json, context "fruit-api": ')
    assert message in str(refused.value)


def test_both_apps_have_the_same_context() -> None:
    assert (EXAMPLE / "cdk.json").read_text() == (ROOT / "cdk.json").read_text()


def test_the_app_ends_with_the_message_alone(tmp_path: Path) -> None:
    context = json.dumps({"fruit-api": {**CONTEXT, "repository": 1}})
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "CDK_CONTEXT_JSON": context},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith('error: cdk.json, context "fruit-api": repository is 1')
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("action", ["CodeQuality", "UnitTests"])
def test_it_passes_the_build_actions_of_its_pipeline(
    action: str, fruit_api: Synthesized, tmp_path: Path
) -> None:
    """The commands of the template, in a copy as its repository would be; tools are installed."""
    [project] = [
        each
        for each in resources(fruit_api.template, "AWS::CodeBuild::Project")
        if each.get("Name") == f"fruit-api-Build-{action}"
    ]
    repository = tmp_path / "repository"
    shutil.copytree(EXAMPLE, repository, ignore=shutil.ignore_patterns("dist", "__pycache__"))
    buildspec = json.loads(project["Source"]["BuildSpec"])
    for command in buildspec["phases"]["build"]["commands"]:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=repository,
            env={**os.environ, "PYTHONPATH": str(wheel_in(DIST))},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    [report] = buildspec["reports"].values()
    assert all((repository / file).is_file() for file in report["files"])
