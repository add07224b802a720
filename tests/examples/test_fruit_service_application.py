"""The fruit service: its wheel behind real HTTP, its image, its browser test, its settings."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs import InvalidArgumentError
from examples.fruit_service.infrastructure import Settings
from examples.fruit_service.infrastructure.application import image_in
from tests.conftest import FRUIT_SERVICE as EXAMPLE
from tests.conftest import Synthesized, resources

CONTEXT: dict[str, Any] = json.loads((EXAMPLE / "cdk.json").read_text())["context"]["fruit-service"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with its wheel, as the build has it."""
    folder = tmp_path_factory.mktemp("repository") / "fruit-service"
    leave_out = shutil.ignore_patterns("dist", "image", "__pycache__", ".*_cache")
    shutil.copytree(EXAMPLE, folder, ignore=leave_out)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", "."],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def dockerfile(instruction: str) -> list[str]:
    """Return what stands behind an instruction, its lines joined."""
    text = (EXAMPLE / "Dockerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{instruction} +(.+)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def container(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Dockerfile makes, in a virtual environment instead of an image."""
    folder = tmp_path_factory.mktemp("container")
    environment, install = folder / "environment", folder / "install"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    install.mkdir()
    [copied] = dockerfile("COPY")
    *patterns, _ = copied.split()
    for pattern in patterns:
        [file] = repository.glob(pattern)
        shutil.copy(file, install)
    [run] = dockerfile("RUN")
    [directory, _] = dockerfile("WORKDIR")
    done = subprocess.run(
        ["sh", "-euc", run.replace(f"rm -r {directory}", f"rm -r {install}")],
        cwd=install,
        env={**os.environ, "PATH": f"{environment}/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return environment


@pytest.fixture(scope="module")
def address(container: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image's command, on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    [command] = dockerfile("CMD")
    [program] = json.loads(command)
    # Waitress takes its address from the program; a machine has other things at 8080.
    code = (container / "bin" / program).read_text()
    started = tmp_path_factory.mktemp("started") / "program.py"
    started.write_text(
        "import waitress\n"
        "serve = waitress.serve\n"
        "def elsewhere(service, *, listen, **more):\n"
        "    assert listen == '*:8080'\n"
        f"    serve(service, listen='127.0.0.1:{port}', **more)\n"
        "waitress.serve = elsewhere\n" + code.partition("\n")[2]
    )
    log = started.with_name("log.txt")
    with log.open("w") as out:
        process = subprocess.Popen(
            [str(container / "bin" / "python"), "-I", str(started)],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"LOG_LEVEL": "INFO", "PYTHONUNBUFFERED": "1"},
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            assert process.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(f"{url}/health", timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        assert process.wait(10) is not None


def run_tests(repository: Path, kind: str, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"tests/{kind}"],
        cwd=repository,
        env={**os.environ, "SERVICE_URL": url},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("kind", ["integration", "acceptance"])
def test_its_tests_pass_against_what_the_dockerfile_makes(
    repository: Path, kind: str, address: str
) -> None:
    done = run_tests(repository, kind, address)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", ["integration", "acceptance"])
def test_its_tests_fail_against_nothing(repository: Path, kind: str) -> None:
    assert run_tests(repository, kind, "http://127.0.0.1:1").returncode == 1


def test_a_body_that_would_need_a_file_is_refused(address: str) -> None:
    request = urllib.request.Request(f"{address}/baskets", data=b" " * 65_537, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value:
        assert refused.value.code == 413


def test_the_image_gets_nothing_but_the_wheel_and_its_locked_dependencies() -> None:
    allowed = (EXAMPLE / ".dockerignore").read_text().split()
    assert allowed == ["*", "!dist/*.whl", "!requirements-image.txt"]
    [copied] = dockerfile("COPY")
    assert {f"!{each}" for each in copied.split()[:-1]} == set(allowed[1:])
    [user] = dockerfile("USER")
    assert user != "0:0"
    assert "ADD " not in (EXAMPLE / "Dockerfile").read_text()


BROWSER = """\
// Behaves as the page's own script does, over real HTTP; the browser itself is left out.
const base = process.env.BASE_URL;
const basket = {};
let total, closed = false;

class Page {
  async goto(url) {
    const page = await (await fetch(url)).text();
    if (!page.includes('id="total"')) throw new Error("the page has no total");
    this.prices = (await (await fetch(new URL("prices", url))).json()).price_cents;
  }
  async fill(selector, text) {
    const fruit = selector.slice(1);
    if (!(fruit in this.prices)) throw new Error(`${selector} is not there`);
    basket[fruit] = Number(text);
    const sent = { method: "POST", body: JSON.stringify(basket) };
    total = (await (await fetch(new URL("baskets", base), sent)).json()).total_cents;
  }
  async waitForSelector(selector) {
    const [, text] = selector.match(/^#total:text-is\\("(\\d+)"\\)$/);
    if (total !== Number(text)) throw new Error(`the total is ${total}`);
  }
}

export const synthetics = {
  launch: async () => ({}),
  newPage: async () => new Page(),
  close: async () => { closed = true; },
};
process.on("exit", () => { if (!closed) process.exitCode = 3; });
"""


def run_browser_test(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    module = folder / "node_modules" / "@amzn" / "synthetics-playwright"
    module.mkdir(parents=True)
    (module / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    (module / "index.js").write_text(BROWSER)
    shutil.copy(EXAMPLE / "tests" / "synthetic" / "index.mjs", folder)
    (folder / "run.mjs").write_text('import { handler } from "./index.mjs"; await handler();')
    return subprocess.run(
        ["node", "run.mjs"],
        cwd=folder,
        env={**os.environ, "BASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_its_browser_test_passes_on_its_prices(tmp_path: Path, address: str) -> None:
    done = run_browser_test(tmp_path, address)
    assert done.returncode == 0, done.stderr


def test_its_browser_test_fails_and_closes_the_browser_without_a_service(tmp_path: Path) -> None:
    done = run_browser_test(tmp_path, "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "fetch failed" in done.stderr


def test_the_elements_that_the_browser_test_fills_are_those_of_the_page() -> None:
    script = (EXAMPLE / "static" / "basket.js").read_text()
    assert "id: fruit" in script
    assert 'type="module"' in (EXAMPLE / "static" / "index.html").read_text()


def test_the_script_of_the_page_is_javascript(tmp_path: Path) -> None:
    module = shutil.copy(EXAMPLE / "static" / "basket.js", tmp_path / "basket.mjs")
    done = subprocess.run(["node", "--check", str(module)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_an_image_the_synthesis_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "fruit-service" / "image"
    with pytest.raises(InvalidArgumentError) as refused:
        image_in(folder)
    assert str(refused.value) == (
        "FruitService: fruit-service/image has no image.json, and the container's image is the one "
        "that the pipeline's action Publish pushed; let the pipeline synthesize it; on a "
        "workstation, work on the pipeline alone, like cdk synth --exclusively "
        "FruitServicePipeline"
    )


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
        ({"connection_arn": "mine"}, "connection_arn is 'mine', and has to be a text like"),
        ({"repository": "fruit"}, "repository is 'fruit', and has to be a text like"),
        ({"hosted_zones": {}}, "hosted_zones.beta is missing, and has to be an object"),
        (
            {"hosted_zones": {**CONTEXT["hosted_zones"], "prod": {"id": "Z1"}}},
            'hosted_zones.prod.name is missing, and has to be a text like "beta.acme.example"',
        ),
        (
            {"hosted_zones": {**CONTEXT["hosted_zones"], "prod": {"id": "1", "name": "a.b"}}},
            "hosted_zones.prod.id is '1', and has to be a text like",
        ),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, Any] | None, message: str) -> None:
    context = None if change is None else {**CONTEXT, **change}
    with pytest.raises(InvalidArgumentError) as refused:
        Settings.from_context(context)
    assert str(refused.value).startswith('cdk.json, context "fruit-service": ')
    assert message in str(refused.value)


@pytest.mark.parametrize("action", ["CodeQuality", "UnitTests"])
def test_it_passes_the_build_actions_of_its_pipeline(
    action: str, fruit_service: Synthesized, repository: Path
) -> None:
    """The commands of the template, in a copy as its repository would be; tools are installed."""
    [project] = [
        each
        for each in resources(fruit_service.template, "AWS::CodeBuild::Project")
        if each.get("Name") == f"fruit-service-Build-{action}"
    ]
    [wheel] = repository.glob("dist/*.whl")
    buildspec = json.loads(project["Source"]["BuildSpec"])
    for command in buildspec["phases"]["build"]["commands"]:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=repository,
            env={**os.environ, "PYTHONPATH": str(wheel)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    [report] = buildspec["reports"].values()
    assert all((repository / file).is_file() for file in report["files"])
