"""Runs builds for the tests of this folder: real shells, real files, no network."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dpra_constructs.errors import DpraError
from dpra_constructs.local_run import Build, BuildResult, Variable, parse_buildspec, run_build


class KnownSecrets:
    """Parameters and secrets by name and reference."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def parameter(self, name: str) -> str:
        return self._value(name)

    def secret(self, reference: str) -> str:
        return self._value(reference)

    def _value(self, key: str) -> str:
        if key not in self._values:
            raise DpraError(f"{key} does not exist")
        return self._values[key]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A build that ended, and its log."""

    build: Build
    result: BuildResult
    log: str

    @property
    def output(self) -> list[str]:
        """What the commands printed: the log without the build's own lines."""
        return [
            line for line in self.log.splitlines() if line and not line.startswith("[Container] ")
        ]

    @property
    def said(self) -> str:
        """The build's own lines, without their times."""
        lines = [line for line in self.log.splitlines() if line.startswith("[Container] ")]
        return "\n".join(line.split(" ", 3)[3] for line in lines)

    def names(self, identifier: str = "") -> list[str]:
        """The names in the zip file of an artifact."""
        with zipfile.ZipFile(self.result.artifacts[identifier]) as archive:
            return archive.namelist()

    @property
    def phases(self) -> dict[str, str]:
        """How each phase ended."""
        return {phase.name: phase.status for phase in self.result.phases}


def make_build(
    folder: Path,
    text: str,
    *,
    files: Mapping[str, str] | None = None,
    variables: Mapping[str, Variable] | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    secondary: Mapping[str, Mapping[str, str]] | None = None,
    timeout_seconds: float | None = 60,
    on_phase: Callable[[str], None] | None = None,
    stopped: threading.Event | None = None,
) -> Build:
    source = folder / "source"
    write(source, files or {})
    others = {}
    for name, contents in (secondary or {}).items():
        others[name] = write(folder / "secondary" / name, contents)
    return Build(
        buildspec=parse_buildspec(text),
        source=source,
        secondary_sources=others,
        variables=variables or {},
        environment={"PATH": os.environ["PATH"], "HOME": str(folder)} | dict(environment or {}),
        secrets=KnownSecrets(secrets or {}),
        folder=folder / "build",
        log=folder / "log" / "build.log",
        timeout_seconds=timeout_seconds,
        on_phase=on_phase or (lambda _: None),
        stopped=stopped or threading.Event(),
    )


def run(build: Build) -> Ran:
    result = run_build(build)
    return Ran(build=build, result=result, log=build.log.read_text())


def write(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder
