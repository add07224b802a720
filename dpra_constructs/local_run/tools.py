"""Gives each action a place of its own for the tools that it installs, kept between builds.

The commands of an action run as they are, `pip install` too; what they install stands in a
virtual environment of the action, so that the next time pip finds everything there. An action
whose install commands change gets a new, empty one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PathDistribution
from pathlib import Path

from dpra_constructs.errors import DpraError
from dpra_constructs.library_wheel import library_digest, library_wheel
from dpra_constructs.local_run.buildspec import Buildspec

_INSTALLING = "installing"
# What the caller's Python is told must not reach that of the action.
_PYTHON_VARIABLES = frozenset(
    {
        *("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP"),
        *("PYTHONPYCACHEPREFIX", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__"),
    }
)
_LIBRARY = re.compile(rb"dpra[-_.]constructs", re.IGNORECASE)
_MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py", "package.json", "package-lock.json")
_LONGEST_SCANNED = 2000
_LARGEST_MANIFEST = 10_000_000
_KEPT_DEFINITIONS = 2
_LONGEST_NAME = 200
_POLL_SECONDS = 0.1
_PIP = """#!/bin/sh
exec "$(dirname "$0")/python" -m pip "$@"
"""


class ToolsError(DpraError):
    """There is no Python to make an action's virtual environment with."""


@dataclass(frozen=True, slots=True)
class ActionTools:
    """The place of one action's tools.

    Args:
        folder: with `venv/`, `npm/` (the prefix of `npm install --global`) and `tools/`.
    """

    folder: Path

    def environment(self, caller: Mapping[str, str]) -> dict[str, str]:
        """Return the caller's variables, with the action's tools first on PATH."""
        kept = {name: value for name, value in caller.items() if name not in _PYTHON_VARIABLES}
        programs = [self.folder / "venv" / "bin", self.folder / "npm" / "bin"]
        return kept | {
            "PATH": os.pathsep.join([*map(str, programs), caller.get("PATH", os.defpath)]),
            "VIRTUAL_ENV": str(self.folder / "venv"),
            "DPRA_TOOLS": str(self.folder / "tools"),
            "NPM_CONFIG_PREFIX": str(self.folder / "npm"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_USER": "0",
        }

    def installed(self) -> None:
        """Note that the installation came to its end, well or not."""
        (self.folder / _INSTALLING).unlink(missing_ok=True)


@contextmanager
def action_tools(
    cache: Path,
    *,
    owner: str,
    action: str,
    buildspec: Buildspec,
    source: Path,
    stopped: threading.Event,
    places: int = 1,
) -> Iterator[ActionTools]:
    """Make the place of an action's tools, or take the one from before; used by one build only.

    What was installed from files of the build itself is taken out at the end: pip would keep it
    in the next build, whatever the files are then, as long as their version is the same.

    Args:
        cache: the cache folder.
        owner: what tells two actions with the same name apart: repository and pipeline.
        action: the action's name.
        buildspec: its commands; when one changes, the action begins with an empty place.
        source: where they run; the requirement files and manifests that they name count too.
        stopped: ends the wait for another build that uses the place.
        places: how many builds of the action may run at once, each in a place of its own.

    Raises:
        ToolsError: the virtual environment cannot be made.
    """
    python = _python(buildspec)
    digest = _digest(sys.version, python, *_definition(buildspec, source))[:16]
    of_owner = cache / "actions" / _digest(owner)[:16]
    of_owner.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        folder = _free_place(of_owner / f"{action}-{digest}", places, held, stopped)
        folder.mkdir(exist_ok=True)
        # A build that was ended while it installed may have left half a package.
        if (folder / _INSTALLING).exists():
            shutil.rmtree(folder)
            folder.mkdir()
        (folder / _INSTALLING).touch()
        if not (folder / "venv").exists():
            _remove_old(folder, action)
            _make_environment(cache, python, folder / "venv", stopped)
        try:
            yield ActionTools(folder)
        finally:
            _remove_local_packages(folder / "venv")


def library_folder(cache: Path) -> Path:
    """Return a folder with a wheel of this library, made once for each state of it."""
    folder = cache / "library" / library_digest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder, threading.Event()):
        if not folder.exists():
            for old in folder.parent.iterdir():
                if old.is_dir():
                    shutil.rmtree(old, ignore_errors=True)
            making = folder.with_suffix(".new")
            making.mkdir()
            library_wheel(making)
            making.rename(folder)
    return folder


def _free_place(first: Path, places: int, held: ExitStack, stopped: threading.Event) -> Path:
    """Hold a place that no other build uses, or wait for the last one."""
    *others, last = [first, *(first.with_name(f"{first.name}.{n}") for n in range(1, places))]
    for folder in others:
        with suppress(ToolsError):
            held.enter_context(_locked(folder))
            return folder
    held.enter_context(_locked(last, stopped))
    return last


def _remove_local_packages(venv: Path) -> None:
    """Remove the packages that pip installed from a folder or a file."""
    for record in venv.glob("lib/python*/site-packages/*.dist-info/direct_url.json"):
        if not json.loads(record.read_text("utf-8"))["url"].startswith("file:"):
            continue
        for each in PathDistribution(record.parent).files or ():
            Path(str(each.locate())).unlink(missing_ok=True)
        shutil.rmtree(record.parent)


def _digest(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts).encode("utf-8", "surrogateescape")).hexdigest()


def _definition(buildspec: Buildspec, source: Path) -> Iterator[str]:
    """Yield what decides on the tools: the commands, and the files that they name."""
    needs_library = False
    for phase in buildspec.phases.values():
        for command in phase.commands:
            yield command
            needs_library |= bool(_LIBRARY.search(command.encode("utf-8", "surrogateescape")))
            if len(command) > _LONGEST_SCANNED:
                continue  # a lock, written out
            words = {word for word in command.split() if len(word) <= _LONGEST_NAME}
            for word in sorted(words):
                path = source / word.strip("'\"();&|")
                named = [path / each for each in _MANIFESTS] if path.is_dir() else [path]
                for file in named:
                    if file.is_file() and file.stat().st_size <= _LARGEST_MANIFEST:
                        content = file.read_bytes()
                        yield hashlib.sha256(content).hexdigest()
                        needs_library |= bool(_LIBRARY.search(content))
    if needs_library:
        # The version stays the same while the library is developed, and pip looks at no more.
        yield library_digest()


def _remove_old(folder: Path, action: str) -> None:
    """Remove the places of earlier definitions of the action but the newest few."""
    others = [
        each
        for each in folder.parent.iterdir()
        if each != folder and each.is_dir() and each.name.rpartition("-")[0] == action
    ]
    for old in sorted(others, key=lambda each: each.stat().st_mtime)[: -_KEPT_DEFINITIONS or None]:
        with suppress(ToolsError), _locked(old):
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _locked(folder: Path, stopped: threading.Event | None = None) -> Iterator[None]:
    """Hold the lock of a folder; wait for it until `stopped`, or not at all."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stopped is None or stopped.wait(_POLL_SECONDS):
                    raise ToolsError(f"another build uses {folder}") from None
        yield


def _python(buildspec: Buildspec) -> str:
    """Return the Python that the buildspec asks for, or else the one that runs this."""
    version = buildspec.runtime_versions.get("python", "")
    found = shutil.which(f"python{version}") if version.startswith("3.") else None
    own: str = getattr(sys, "_base_executable", sys.executable)
    return str(Path(found or own).resolve())


def _make_environment(cache: Path, python: str, target: Path, stopped: threading.Event) -> None:
    """Make a virtual environment with pip, of links to the files of a first one.

    To install pip anew takes 4 s each time.
    """
    template = _template(cache, python, stopped)
    _venv(python, target, "--without-pip")
    for packages in template.glob("lib/python*/site-packages"):
        copied = target / packages.relative_to(template)
        shutil.copytree(packages, copied, symlinks=True, copy_function=_link, dirs_exist_ok=True)
    for name in ("pip", "pip3"):
        script = target / "bin" / name
        script.write_text(_PIP)
        script.chmod(0o755)


def _template(cache: Path, python: str, stopped: threading.Event) -> Path:
    name = _digest(python, sys.version)[:16]
    template = cache / "python" / name
    template.parent.mkdir(parents=True, exist_ok=True)
    with _locked(template, stopped):
        if not template.exists():
            making = template.with_suffix(".new")
            shutil.rmtree(making, ignore_errors=True)
            _venv(python, making)
            making.rename(template)
    return template


def _venv(python: str, target: Path, *arguments: str) -> None:
    done = subprocess.run(
        [python, "-I", "-m", "venv", *arguments, str(target)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolsError(
            f"{python} -m venv failed: {(done.stdout + done.stderr).strip()}; "
            "install Python with venv and ensurepip (Debian: python3-venv)"
        )


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
