"""Runs build actions as CodeBuild does: in one shell, each command after the other."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from dpra_constructs.build_actions.build_action import BuildAction, ToBuildAction
from tests.conftest import ROOT

# Made once for each content of a lock, by the very commands that a build installs the tool with.
TOOLS = ROOT / ".venv" / "test-tools"
_SHORT = 12
_ENDED = ("failure", "error", "skipped")


@dataclass(frozen=True)
class Done:
    """What a build action did."""

    code: int
    log: str
    tree: Path

    def cases(self, report: str) -> dict[str, str]:
        """Return each test case of a JUnit report, by class and name, with how it ended."""
        root = ElementTree.parse(self.tree / report).getroot()
        assert root.tag == "testsuites"
        ended = {}
        for suite in root.findall("testsuite"):
            cases = suite.findall("testcase")
            assert suite.attrib["tests"] == str(len(cases))
            assert suite.attrib["failures"] == str(len(suite.findall("testcase/failure")))
            for case in cases:
                how = next((each.tag for each in case if each.tag in _ENDED), "passed")
                ended[f"{case.attrib['classname']} {case.attrib['name']}"] = how
        assert ended, "CodeBuild takes no report without test cases"
        return ended


def tree(folder: Path, files: Mapping[str, str], *, git: bool = True) -> Path:
    """Write a source tree, as a git repository."""
    for name, text in {".gitignore": "reports/\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if git:
        subprocess.run(["git", "init", "--quiet", "."], cwd=folder, check=True)
        subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    return folder


def write_wheel(folder: Path, name: str, *, requires: str = "", module: str = "") -> Path:
    """Write a wheel in version 1.0: a zip file with metadata and, if it is given, one module."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        if module:
            wheel.writestr(f"{name}.py", module)
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}"
        wheel.writestr(f"{name}-1.0.dist-info/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{name}-1.0.dist-info/WHEEL", tags)
        wheel.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return path


def run(
    action: ToBuildAction,
    folder: Path,
    *,
    shell: str = "bash",
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run a build action in a source tree, with its tool from the cache."""
    built = action.to_build_action()
    tool = _python_tool(built)
    path = f"{tool / 'bin'}:{os.environ['PATH']}" if tool else os.environ["PATH"]
    install = built.install[1:] if tool else built.install
    return _shell(
        [*install, *built.commands],
        folder,
        shell,
        {"PATH": path, **built.environment, **(environment or {})},
    )


def run_commands(
    commands: list[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    shell: str = "bash",
) -> Done:
    """Run commands in a folder."""
    return _shell(commands, folder, shell, environment or {})


def venv(action: ToBuildAction) -> Path:
    """Return the virtual environment in which a build action's tool is installed."""
    made = _python_tool(action.to_build_action())
    assert made
    return made


def _shell(commands: list[str], folder: Path, shell: str, environment: Mapping[str, str]) -> Done:
    stop = "\nended=$?; [ $ended -eq 0 ] || exit $ended\n"
    script = "".join(f"{each}{stop}" for each in commands)
    done = subprocess.run(
        [shell, "-s"],
        input=script,
        cwd=folder,
        env={
            **os.environ,
            "DPRA_TOOLS": str(TOOLS),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return Done(done.returncode, done.stdout, folder)


def _python_tool(action: BuildAction) -> Path | None:
    """Install what the first install command says, if it is pip's, into an environment for it."""
    # A long lock is packed, and the command begins with unpacking it.
    if not action.install or not re.match(r'python -m pip |lock="', action.install[0]):
        return None
    command = action.install[0]
    key = hashlib.sha256(f"{sys.version}{command}".encode()).hexdigest()[:_SHORT]
    folder = TOOLS / key
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            path = f"{folder / 'bin'}:{os.environ['PATH']}"
            installed = _shell([command], TOOLS, "dash", {"PATH": path})
            assert installed.code == 0, installed.log
            (folder / "ready").touch()
    return folder
