"""`dpra build` on the example: green as it is, and stopped by the right action at each defect.

The example is copied to a repository of its own, as a team would have it. All tests share that
repository and one cache, which stay for the next run: tools are installed once.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dpra_constructs.cli.commands import dpra
from tests.build_actions.python_node_tools import TOOLS
from tests.local_run.stages import git

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "fruit_api"
ACTIONS = [
    *("SourceLayout", "CodeQuality", "Package", "Sast", "Sca", "Secrets", "UnitTests"),
    *("Sbom", "Synth", "Seal"),
]


@dataclass(frozen=True, kw_only=True)
class Example:
    """The repository, and the cloud assembly that was synthesized of it."""

    folder: Path
    cache: Path
    assembly: Path


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a run of `dpra build` said."""

    code: int
    text: str
    actions: Mapping[str, Any]

    @property
    def statuses(self) -> dict[str, str]:
        return {name: each["status"] for name, each in self.actions.items()}


@pytest.fixture(scope="module")
def example(worker_id: str) -> Example:
    # Only one run and one worker use a folder, and tools belong to the repository's.
    own = TOOLS / "fruit-api" / worker_id
    folder, cache = own / "repository", own / "cache"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(cache / "assemblies", ignore_errors=True)
    listed = git(EXAMPLE, "ls-files", "-z", ".")
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(EXAMPLE / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "The fruit API")
    done = CliRunner(env={"DPRA_CACHE": str(cache)}).invoke(
        dpra, ["build", "--directory", str(folder), "--list"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    [assembly] = cache.glob("assemblies/*/cdk.out")
    # A copy: the cache holds one assembly of each app, and synthesizes it anew when a file changed.
    shutil.rmtree(own / "cdk.out", ignore_errors=True)
    kept = shutil.copytree(assembly, own / "cdk.out")
    return Example(folder=folder, cache=cache, assembly=kept)


@pytest.fixture
def build(example: Example) -> Callable[..., Built]:
    """Run `dpra build` in the repository, and put its files right afterwards."""

    def run(*arguments: str) -> Built:
        result = example.folder.with_name("result.json")
        result.unlink(missing_ok=True)
        # The validation of templates takes most of the synth's time, and other tests do it.
        runner = CliRunner(env={"DPRA_CACHE": str(example.cache), "CDK_VALIDATION": "false"})
        done = runner.invoke(
            dpra,
            ["build", "--directory", str(example.folder), "--json", str(result), *arguments],
            catch_exceptions=False,
        )
        found = json.loads(result.read_text())["actions"] if result.exists() else []
        return Built(
            code=done.exit_code,
            text=done.output,
            actions={each["name"]: each for each in found},
        )

    return run


@pytest.fixture
def defect(build: Callable[..., Built], example: Example) -> Any:
    """Return how the working tree is built, by the actions that are named."""

    def run(*only: str) -> Built:
        names = [word for name in only for word in ("--only", name)]
        return build("--working-tree", "--assembly", str(example.assembly), *names)

    yield run
    git(example.folder, "checkout", "--quiet", "--force", "HEAD", ".")
    git(example.folder, "clean", "--quiet", "-d", "--force", "-x")


def test_every_action_of_the_commit_succeeds(build: Callable[..., Built]) -> None:
    built = build("--jobs", "2")
    assert built.code == 0, built.text
    assert list(built.actions) == ACTIONS
    # A workstation has no key to seal with.
    statuses = built.statuses
    assert statuses.pop("Seal") == "skipped"
    assert set(statuses.values()) == {"succeeded"}
    tests = built.actions["UnitTests"]["reports"][0]
    assert (tests["tests"] > 10, tests["failures"]) == (True, 0)


def test_the_hooks_are_those_of_the_pipeline(example: Example) -> None:
    arguments = ["--directory", str(example.folder), "--assembly", str(example.assembly)]
    done = CliRunner().invoke(dpra, ["pre-commit", "--check", *arguments])
    assert done.exit_code == 0, done.output


def append(file: Path, text: str) -> int:
    """Add a text to a file and return the number of its first line."""
    before = file.read_text()
    file.write_text(before + text)
    return len(before.splitlines()) + 1


def stopped(built: Built, action: str, *parts: str) -> None:
    """Check that one action failed, and that the text names file and cause."""
    assert built.code == 1, built.text
    assert [name for name, status in built.statuses.items() if status == "failed"] == [action]
    assert f"\n{action} failed\n" in built.text
    for part in parts:
        assert part in built.text, built.text
    assert len(built.actions[action]["reason"]) < 400
    # Programs and locks that stand in a command are no part of the message.
    assert "--hash=" not in built.text
    assert "sys.exit(" not in built.text


def test_a_failing_unit_test(defect: Callable[..., Built], example: Example) -> None:
    file = example.folder / "tests" / "unit" / "test_routes.py"
    line = append(file, "\n\ndef test_of_a_defect() -> None:\n    assert 1 + 1 == 3\n") + 3
    built = defect("UnitTests")
    stopped(built, "UnitTests", f"(tests/unit/test_routes.py:{line}): assert (1 + 1) == 3")
    assert "report unit-tests: " in built.text
    [failed] = built.actions["UnitTests"]["reports"][0]["failed"]
    assert failed["place"] == f"tests/unit/test_routes.py:{line}"


def test_a_planted_secret(defect: Callable[..., Built], example: Example) -> None:
    # Nobody's: put together here, so that no scanner of this repository finds it.
    secret = "AKIA" + "Z7QX2MJ4WT9KB3RD"
    line = append(example.folder / "config" / "fruit_api.toml", f'\naccess = "{secret}"\n') + 1
    built = defect("Secrets")
    stopped(built, "Secrets", "config/fruit_api.toml", "AWS Access Key", str(line))
    assert secret not in built.text
    assert secret not in Path(built.actions["Secrets"]["log"]).read_text()


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("cursor.execute(\"select price from fruits where name = '%s'\" % name)", "B608"),
        ("subprocess.run(name, shell=True)", "B602"),
    ],
    ids=["SQL", "shell"],
)
def test_an_injection(
    defect: Callable[..., Built], example: Example, code: str, finding: str
) -> None:
    file = example.folder / "src" / "fruit_api" / "defect.py"
    file.write_text(f"import subprocess\n\n\ndef find(cursor, name):\n    return {code}\n")
    stopped(defect("Sast"), "Sast", "src/fruit_api/defect.py", finding, "5")


def test_a_vulnerable_dependency(defect: Callable[..., Built], example: Example) -> None:
    append(example.folder / "requirements.txt", "jinja2==2.7.1\n")
    stopped(defect("Sca"), "Sca", "requirements.txt: jinja2==2.7.1: CVE-")


@pytest.mark.parametrize(
    ("code", "cause"),
    [("import os\n", "F401"), ("x = [1,\n 2]\n", "1 file would be reformatted")],
    ids=["lint", "format"],
)
def test_poor_code(defect: Callable[..., Built], example: Example, code: str, cause: str) -> None:
    (example.folder / "src" / "fruit_api" / "defect.py").write_text(code)
    stopped(defect("CodeQuality"), "CodeQuality", "src/fruit_api/defect.py", cause)


def test_a_kind_of_source_that_is_missing(defect: Callable[..., Built], example: Example) -> None:
    shutil.rmtree(example.folder / "static")
    built = defect("SourceLayout", "Sca")
    stopped(built, "SourceLayout", "static_assets", "static")
    assert built.statuses == {"SourceLayout": "failed", "Sca": "not run"}


def test_a_report_that_is_not_written(defect: Callable[..., Built], example: Example) -> None:
    file = example.folder / "checks" / "advisories.py"
    text = file.read_text()
    written = "    ElementTree.ElementTree(suite).write("
    assert written in text
    file.write_text(text.replace(written, "    ElementTree.ElementTree(suite).getroot() or print("))
    built = defect("Sca")
    stopped(built, "Sca", "a report was not written: ", "no file matches reports/advisories.xml")


def test_a_hash_that_is_not_that_of_the_package(
    defect: Callable[..., Built], example: Example
) -> None:
    file = example.folder / "requirements-sca.txt"
    changed, count = re.subn(r"(?<=sha256:)\w+", lambda found: found[0][::-1], file.read_text())
    assert count
    file.write_text(changed)
    built = defect("Sca")
    stopped(built, "Sca", "DO NOT MATCH THE HASHES", "requirements-sca.txt")


def test_an_app_that_does_not_synthesize(defect: Callable[..., Built], example: Example) -> None:
    line = append(
        example.folder / "infrastructure" / "application.py", '\nraise RuntimeError("no fruit")\n'
    )
    built = defect("Synth")
    stopped(built, "Synth", f'infrastructure/application.py", line {line + 1}', "no fruit")
    assert built.statuses["Package"] == "succeeded"


def test_an_app_that_does_not_synthesize_cannot_be_read(
    build: Callable[..., Built], defect: object, example: Example
) -> None:
    append(example.folder / "infrastructure" / "main.py", '\nraise RuntimeError("no fruit")\n')
    built = build("--working-tree")
    assert (built.code, built.actions) == (2, {})
    assert "infrastructure/main.py" in built.text
    assert "no fruit" in built.text
