"""Runs one build of CodeBuild on this machine.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html and
https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from dpra_constructs.errors import DpraError
from dpra_constructs.local_run.artifacts import NoFilesError, find_files, references, write_zip
from dpra_constructs.local_run.build_log import BuildLog
from dpra_constructs.local_run.buildspec import (
    PHASES,
    RUNTIMES,
    Buildspec,
    FileSet,
    Phase,
)
from dpra_constructs.local_run.processes import MARK, Traces, end_processes
from dpra_constructs.local_run.redaction import Redactor
from dpra_constructs.local_run.reports import ReportFiles
from dpra_constructs.local_run.shell import Shell, ShellError
from dpra_constructs.local_run.variables import Secrets, Variable, environment_of

__all__ = ["Build", "BuildResult", "PhaseResult", "Secrets", "Variable", "run_build"]

_SHELL_FOLDER = "shell"
_LONGEST_SHOWN = 200
_CUT = " ..."


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """Everything that one build needs.

    Args:
        buildspec: what to do.
        source: the folder of the primary source, in which commands start.
        secondary_sources: folders by source identifier, or by the artifact's name in CodePipeline.
        variables: of project and action; they win over those of the buildspec.
        environment: the process's variables before those: PATH, HOME, credentials, CODEBUILD_*.
        secrets: looks up parameters and secrets.
        folder: the build's own folder, for artifacts and reports.
        log: the file for everything that commands print.
        timeout_seconds: when the build is ended with the status TIMED_OUT; None is never.
        on_phase: called with the name of each phase when it begins.
        stopped: set from outside, it ends the build with the status STOPPED.
    """

    buildspec: Buildspec
    source: Path
    secondary_sources: Mapping[str, Path]
    variables: Mapping[str, Variable]
    environment: Mapping[str, str]
    secrets: Secrets
    folder: Path
    log: Path
    timeout_seconds: float | None = None
    on_phase: Callable[[str], None]
    stopped: threading.Event


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseResult:
    """How a phase ended: `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `STOPPED`."""

    name: str
    status: str
    seconds: float
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildResult:
    """How a build ended and what it leaves.

    Args:
        status: `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `STOPPED`.
        phases: those that ran, in their order.
        message: empty, or the first cause: the phase, the command and its exit status.
        exported_variables: those of `exported-variables` that the build has set.
        artifacts: zip files by artifact identifier; the primary artifact is "". A build that
            failed in BUILD or POST_BUILD has them too, as in the service.
        reports: one for each report group of the buildspec, in its order.
    """

    status: str
    phases: tuple[PhaseResult, ...]
    message: str
    exported_variables: Mapping[str, str]
    artifacts: Mapping[str, Path]
    reports: tuple[ReportFiles, ...]


def run_build(build: Build) -> BuildResult:
    """Run a build and return how it ended; no process of it is left, whatever happened.

    A failing command is no exception but the status `FAILED`.

    Raises:
        OSError: the folders or the log cannot be written.
    """
    return _Run(build).run()


class _PhaseError(Exception):
    """A phase failed; `whole` is the message that `on-failure: RETRY-regex` is matched with."""

    def __init__(self, code: str, message: str, *, whole: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.whole = whole or message


class _InterruptedError(Exception):
    """The build ran out of time, or was stopped."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class _Run:
    """The state of one build while it runs."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._spec = build.buildspec
        self._redactor = Redactor()
        self._begin = time.monotonic()
        self._environment: dict[str, str] = {}
        self._shell: Shell | None = None
        self._command_count = 0
        self._phases: list[PhaseResult] = []
        self._exported: dict[str, str] = {}
        self._artifacts: dict[str, Path] = {}
        self._reports: list[ReportFiles] = []
        build.folder.mkdir(parents=True, exist_ok=True)
        self._log = BuildLog(build.log, self._redactor)
        self._traces = Traces(mark=uuid.uuid4().hex, output=self._log.write_end)

    def run(self) -> BuildResult:
        try:
            try:
                self._run_phases()
                self._export()
            except _InterruptedError as interrupted:
                status = interrupted.status
            else:
                succeeded = all(phase.status == "SUCCEEDED" for phase in self._phases)
                status = "SUCCEEDED" if succeeded else "FAILED"
                if self._shell:
                    self._shell.finish()
            self._phase("FINALIZING", self._end_processes)
        finally:
            # Also after Ctrl-C, or an error in `on_phase`.
            self._clean_up()
        failed = next((phase for phase in self._phases if phase.status != "SUCCEEDED"), None)
        return BuildResult(
            status=status if status != "SUCCEEDED" or not failed else "FAILED",
            phases=tuple(self._phases),
            message=f"{failed.name}: {failed.message}" if failed else "",
            exported_variables=MappingProxyType(dict(self._exported)),
            artifacts=MappingProxyType(dict(self._artifacts)),
            reports=tuple(self._reports),
        )

    def _run_phases(self) -> None:
        if not self._phase("DOWNLOAD_SOURCE", self._prepare):
            return
        for name in PHASES:
            phase = self._spec.phases.get(name, Phase(name=name))
            if self._phase(name.upper(), partial(self._run_phase, phase)):
                continue
            if phase.on_failure.action == "CONTINUE":
                continue
            # The usual transitions: a failed BUILD or POST_BUILD goes on to what follows it,
            # a failed INSTALL or PRE_BUILD to the end.
            if phase.on_failure.action == "ABORT" or name not in {"build", "post_build"}:
                return
        self._phase("UPLOAD_ARTIFACTS", self._collect)

    def _phase(self, name: str, work: Callable[[], None]) -> bool:
        """Run a phase and record how it ended; return whether it succeeded."""
        begin = time.monotonic()
        status, code, message = "FAILED", "", ""
        self._build.on_phase(name)
        self._log.say(f"Entering phase {name}")
        try:
            work()
            status = "SUCCEEDED"
        except _PhaseError as error:
            code, message = error.code, error.message
        except _InterruptedError as interrupted:
            status, message = interrupted.status, interrupted.message
            raise
        finally:
            message = self._redactor.text(message)
            seconds = time.monotonic() - begin
            self._phases.append(
                PhaseResult(name=name, status=status, seconds=seconds, message=message)
            )
            self._log.write("\n")
            self._log.say(f"Phase complete: {name} State: {status}")
            self._log.say(f"Phase context status code: {code} Message: {message}")
        return status == "SUCCEEDED"

    def _check(self) -> None:
        """Raise when the build must end now."""
        if self._build.stopped.is_set():
            raise _InterruptedError("STOPPED", "the build was stopped")
        limit = self._build.timeout_seconds
        if limit is not None and time.monotonic() - self._begin > limit:
            raise _InterruptedError("TIMED_OUT", f"the build took longer than {limit:g} seconds")

    def _prepare(self) -> None:
        """Refuse what this machine cannot do, and set the variables."""
        self._check()
        if not self._build.source.is_dir():
            raise _PhaseError("CLIENT_ERROR", f"the source {self._build.source} is no folder")
        self._check_users()
        build = self._build
        # A build may run inside another one, and both must find their processes.
        marks = [mark for mark in (build.environment.get(MARK), self._traces.mark) if mark]
        own = {
            "CODEBUILD_SRC_DIR": str(build.source),
            **{
                f"CODEBUILD_SRC_DIR_{name}": str(path)
                for name, path in build.secondary_sources.items()
            },
            "CODEBUILD_BUILD_SUCCEEDING": "1",
            "CODEBUILD_START_TIME": str(int(time.time() * 1000)),
            MARK: ":".join(marks),
        }
        try:
            given = environment_of(
                self._spec.environment,
                build.environment,
                build.variables,
                build.secrets,
                self._redactor,
            )
        except DpraError as error:
            raise _PhaseError("CLIENT_ERROR", str(error)) from None
        self._environment = given | own
        if self._spec.cache_paths:
            self._log.say(f"The cache is not used here: {', '.join(self._spec.cache_paths)}")

    def _check_users(self) -> None:
        try:
            user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container may run as a user without a name
            user = str(os.getuid())
        wanted = {"run-as": self._spec.run_as} | {
            f"phases/{phase.name}/run-as": phase.run_as for phase in self._spec.phases.values()
        }
        for where, name in wanted.items():
            if name not in {"", user}:
                raise _PhaseError(
                    "CLIENT_ERROR",
                    f"buildspec {where}: commands run as {user} here, and not as {name}; "
                    f"run the build as {name}",
                )

    def _run_phase(self, phase: Phase) -> None:
        self._check()
        rule = phase.on_failure
        succeeding = self._environment["CODEBUILD_BUILD_SUCCEEDING"]
        for left in range(rule.retries, -1, -1):
            try:
                return self._run_commands(phase)
            except _PhaseError as error:
                if not left or not re.search(rule.pattern, error.whole):
                    raise
                self._log.say(f"Retrying phase {phase.name.upper()}, {left} time(s) left")
                self._set_succeeding(succeeding)
        return None

    def _run_commands(self, phase: Phase) -> None:
        """Run the commands up to the first that fails, and then those of `finally`."""
        failure: _PhaseError | None = None
        try:
            if phase.name == "install":
                self._check_runtimes()
            for command in phase.commands:
                self._run_command(phase, command)
        except _PhaseError as error:
            failure = error
            self._set_succeeding("0")
        try:
            for command in phase.finally_commands:
                self._run_command(phase, command)
        except _PhaseError as error:
            failure = failure or error
            self._set_succeeding("0")
        if failure:
            raise failure

    def _run_command(self, phase: Phase, command: str) -> None:
        self._log.write("\n")
        self._log.say(f"Running command {command.rstrip()}")
        status = self._shell_run(command, phase.name)
        if self._spec.version == "0.1":
            self._forget_shell()
        if status:
            text, shown = command.strip(), _shown(command)
            self._log.write("\n")
            self._log.say(f"Command did not exit successfully {shown} exit status {status}")
            message = "Error while executing command: {} Reason: exit status {}"
            raise _PhaseError(
                "COMMAND_EXECUTION_ERROR",
                message.format(shown if shown.endswith(_CUT) else f"{shown}.", status),
                whole=message.format(f"{text}.", status),
            )

    def _check_runtimes(self) -> None:
        """Show the runtimes of this machine; another version than asked for is no failure."""
        for name, version in self._spec.runtime_versions.items():
            program, argument = RUNTIMES[name]
            where = f"buildspec phases/install/runtime-versions/{name}"
            if not shutil.which(program, path=self._environment.get("PATH", os.defpath)):
                raise _PhaseError(
                    "CLIENT_ERROR",
                    f"{where}: {program} is not on the PATH of the build; install {name} {version}",
                )
            self._log.say(f"Runtime {name}: {version} is asked for, and this machine has:")
            if self._shell_run(f"command {program} {argument}", f"runtime-{name}"):
                raise _PhaseError("CLIENT_ERROR", f"{where}: {program} {argument} failed")

    def _shell_run(self, command: str, name: str) -> int:
        self._command_count += 1
        return self._started_shell().run(command, f"{self._command_count:03}-{name}.sh")

    def _started_shell(self) -> Shell:
        if self._shell is None:
            try:
                self._shell = Shell(
                    name=self._spec.environment.shell,
                    environment=self._environment,
                    directory=self._build.source,
                    folder=self._build.folder / _SHELL_FOLDER,
                    output=self._log.write_end,
                    sessions=self._traces.sessions,
                    check=self._check,
                )
            except ShellError as error:
                raise _PhaseError("CLIENT_ERROR", str(error)) from None
        return self._shell

    def _forget_shell(self) -> None:
        if self._shell:
            self._shell.finish()
            self._shell.close()
            self._shell = None
        shutil.rmtree(self._build.folder / _SHELL_FOLDER, ignore_errors=True)

    def _set_succeeding(self, value: str) -> None:
        self._environment["CODEBUILD_BUILD_SUCCEEDING"] = value
        if self._shell:
            self._shell_run(f"export CODEBUILD_BUILD_SUCCEEDING={value}", "succeeding")

    def _collect(self) -> None:
        """Take reports and artifacts; reports first, so that a missing artifact hides none."""
        self._check()
        reports, artifacts = self._spec.reports, self._spec.artifacts
        sets = [report.files for report in reports]
        sets += [artifact.files for artifact in artifacts.values()]
        variables = self._values(*(references(each) for each in sets))
        for number, report in enumerate(reports):
            self._reports.append(
                ReportFiles(
                    group=report.group,
                    file_format=report.file_format,
                    files=self._report_files(
                        report.group, report.files, variables, Path("reports") / str(number)
                    ),
                )
            )
        for identifier, artifact in artifacts.items():
            self._check()
            where = f"artifact {identifier}: " if identifier else ""
            try:
                found = find_files(self._build.source, artifact.files, variables, self._log.say)
            except NoFilesError as error:
                raise _PhaseError("CLIENT_ERROR", f"{where}{error}") from None
            target = self._build.folder / "artifacts" / f"{identifier or 'primary'}.zip"
            self._artifacts[identifier] = write_zip(found, target)
        missing = [
            f"{report.group}: no file matches {', '.join(report.files.files)}"
            for report, found in zip(reports, self._reports, strict=True)
            if not found.files
        ]
        if missing:
            raise _PhaseError("CLIENT_ERROR", f"a report was not written: {'; '.join(missing)}")

    def _report_files(
        self, group: str, file_set: FileSet, variables: Mapping[str, str], folder: Path
    ) -> tuple[Path, ...]:
        try:
            found = find_files(self._build.source, file_set, variables, self._log.say)
        except NoFilesError:
            self._log.say(f"No report files were found for report group {group}")
            return ()
        copies = []
        for file in found:
            target = self._build.folder / folder / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.path, target)
            copies.append(target)
        return tuple(copies)

    def _values(self, *names: set[str]) -> dict[str, str]:
        wanted = set().union(*names)
        return self._started_shell().values(wanted) if wanted else {}

    def _export(self) -> None:
        wanted = self._spec.environment.exported_variables
        if not wanted or not self._environment:
            return
        self._exported = self._values(set(wanted))
        for name in wanted:
            if name not in self._exported:
                self._log.say(f"The exported variable {name} is not set")

    def _end_processes(self) -> None:
        left = end_processes(self._traces)
        if left:
            raise _PhaseError(
                "CLIENT_ERROR", f"these processes of the build could not be ended: {left}"
            )

    def _clean_up(self) -> None:
        end_processes(self._traces)
        if self._shell:
            self._shell.close()
        # It holds the values of variables, secrets too.
        shutil.rmtree(self._build.folder / _SHELL_FOLDER, ignore_errors=True)
        self._log.close()


def _shown(command: str) -> str:
    """Return a command for a message: its first line, without a program that stands in it."""
    first, _, rest = command.strip().partition("\n")
    if rest or len(first) > _LONGEST_SHOWN:
        first = first[: _LONGEST_SHOWN - len(_CUT)].rstrip() + _CUT
    return first
