"""Reads a CodeBuild buildspec into frozen values, and refuses by name what cannot be run here.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dpra_constructs.local_run.buildspec_text import BuildspecError, Field, read

__all__ = [
    "Artifact",
    "Buildspec",
    "BuildspecError",
    "Environment",
    "FileSet",
    "OnFailure",
    "Phase",
    "Report",
    "parse_buildspec",
]

PHASES = ("install", "pre_build", "build", "post_build")
FORMATS = frozenset(
    {
        *("CUCUMBERJSON", "JUNITXML", "NUNITXML", "NUNIT3XML", "TESTNGXML", "VISUALSTUDIOTRX"),
        *("CLOVERXML", "COBERTURAXML", "JACOCOXML", "SIMPLECOV"),
    }
)
# The command that shows a runtime to be there, by its name in `runtime-versions`.
RUNTIMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "docker": ("docker", "--version"),
        "dotnet": ("dotnet", "--version"),
        "golang": ("go", "version"),
        "java": ("java", "-version"),
        "nodejs": ("node", "--version"),
        "php": ("php", "--version"),
        "python": ("python3", "--version"),
        "ruby": ("ruby", "--version"),
    }
)

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# RETRY, RETRY-count, RETRY-regex, RETRY-count-regex: digits up to a hyphen or the end are a count.
_RETRY = re.compile(r"RETRY(?:-(?P<count>\d+)(?=-|\Z))?(?:-(?P<pattern>.+))?", re.DOTALL)
_RETRIES = 3
_MOST_RETRIES = 100
_MOST_REPORT_GROUPS = 5


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class OnFailure:
    """What happens after a phase failed.

    Args:
        action: `ABORT`, `CONTINUE`, `RETRY`, or empty: the usual transitions between phases.
        retries: how many times the phase is run again.
        pattern: what the failure's message must contain for another try, as a regular expression.
    """

    action: str = ""
    retries: int = 0
    pattern: str = ".*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """The commands of one phase, each a text of one line or more."""

    name: str
    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    on_failure: OnFailure = field(default_factory=OnFailure)
    run_as: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """The shell, the variables that a build begins with, and those that it hands on."""

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=_nothing)
    parameter_store: Mapping[str, str] = field(default_factory=_nothing)
    secrets_manager: Mapping[str, str] = field(default_factory=_nothing)
    exported_variables: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSet:
    """Files that are taken out of a build: patterns below base directories."""

    files: tuple[str, ...]
    base_directory: str = ""
    discard_paths: bool = False
    exclude_paths: tuple[str, ...] = ()
    enable_symlinks: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """An output of the build; `name` and `s3_prefix` say where S3 would hold it."""

    files: FileSet
    name: str = ""
    s3_prefix: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Test or coverage results for a report group, which is named or given as an ARN."""

    group: str
    files: FileSet
    file_format: str = "JUNITXML"


@dataclass(frozen=True, kw_only=True, slots=True)
class Buildspec:
    """What one build does.

    >>> spec = parse_buildspec("{version: 0.2, phases: {build: {commands: [make]}}}")
    >>> spec.phases["build"].commands
    ('make',)
    """

    version: str
    phases: Mapping[str, Phase]
    run_as: str = ""
    environment: Environment = field(default_factory=Environment)
    runtime_versions: Mapping[str, str] = field(default_factory=_nothing)
    reports: tuple[Report, ...] = ()
    # By identifier; the primary artifact is "".
    artifacts: Mapping[str, Artifact] = field(default_factory=lambda: MappingProxyType({}))
    cache_paths: tuple[str, ...] = ()


def parse_buildspec(text: str) -> Buildspec:
    """Return the values of a buildspec, in YAML or JSON.

    Args:
        text: as it stands in `Source.BuildSpec` of an `AWS::CodeBuild::Project`.

    Raises:
        BuildspecError: the text is malformed, or has what cannot be run on this machine.

    >>> parse_buildspec("{version: 0.2, batch: {fast-fail: yes}, phases: {}}")
    Traceback (most recent call last):
    ...
    dpra_constructs.local_run.buildspec_text.BuildspecError: buildspec batch: batch builds are \
not supported here; run each build of the batch by itself
    """
    root = read(text)
    if isinstance(root.value, str) and root.value:
        raise root.error(
            f"{root.value[:60]!r} has no keys",
            "give the text of the file, if this is the path of a buildspec in the source",
        )
    old = root.required("version").text() == "0.1"
    if root.required("version").text() not in {"0.1", "0.2"}:
        raise root.required("version").error(
            f"{root.required('version').text()!r} is not a version of the format", "write 0.2"
        )
    env = "environment_variables" if old else "env"
    root.allow(
        *("version", "run-as", env, "proxy", "batch", "phases", "reports", "artifacts", "cache")
    )
    if batch := root.get("batch"):
        raise batch.error(
            "batch builds are not supported here", "run each build of the batch by itself"
        )
    _check_proxy(root.get("proxy"))
    phases = root.required("phases")
    phases.allow(*PHASES)
    install = phases.get("install")
    return Buildspec(
        version="0.1" if old else "0.2",
        phases=MappingProxyType({each.name: _phase(each) for each in phases.fields()}),
        run_as=_text(root, "run-as"),
        environment=_environment(root.get(env), "plaintext" if old else "variables"),
        runtime_versions=_runtime_versions(install.get("runtime-versions") if install else None),
        reports=_reports(root.get("reports")),
        artifacts=_artifacts(root.get("artifacts")),
        cache_paths=_cache_paths(root.get("cache")),
    )


def _text(owner: Field, name: str) -> str:
    found = owner.get(name)
    return found.text() if found else ""


def _texts(owner: Field, name: str) -> tuple[str, ...]:
    found = owner.get(name)
    return found.texts() if found else ()


def _yes(owner: Field, name: str) -> bool:
    found = owner.get(name)
    return found.yes() if found else False


def _check_proxy(proxy: Field | None) -> None:
    if not proxy:
        return
    proxy.allow("upload-artifacts", "logs")
    for each in proxy.fields():
        if each.yes():
            raise each.error(
                "an explicit proxy server is not supported here",
                "write no; commands find a proxy by the variables of the environment",
            )


def _environment(env: Field | None, plain: str) -> Environment:
    if not env:
        return Environment()
    env.allow(
        *("shell", plain, "parameter-store", "secrets-manager", "exported-variables"),
        "git-credential-helper",
    )
    helper = env.get("git-credential-helper")
    if helper and helper.yes():
        raise helper.error(
            "the Git credential helper of CodeBuild is not supported here",
            "leave it out, and give git its credentials on this machine",
        )
    parameters = _variables(env.get("parameter-store"))
    secrets = _variables(env.get("secrets-manager"))
    exported = env.get("exported-variables")
    if exported:
        _check_exported(exported, {*parameters, *secrets})
    return Environment(
        shell=_shell(env.get("shell")),
        variables=_variables(env.get(plain)),
        parameter_store=parameters,
        secrets_manager=secrets,
        exported_variables=exported.texts() if exported else (),
    )


def _shell(shell: Field | None) -> str:
    if not shell:
        return "sh"
    known = {"bash": "bash", "/bin/bash": "bash", "sh": "sh", "/bin/sh": "sh"}
    if shell.text() not in known:
        raise shell.error(f"{shell.text()!r} is not supported here", "write bash or /bin/sh")
    return known[shell.text()]


def _variables(variables: Field | None) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for each in variables.fields() if variables else ():
        if not _VARIABLE.fullmatch(each.name):
            raise each.error(
                f"{each.name!r} is not the name of a variable",
                "use letters, digits and underscores, not beginning with a digit",
            )
        if each.name.startswith("CODEBUILD_"):
            raise each.error("names with CODEBUILD_ belong to CodeBuild", "rename the variable")
        found[each.name] = each.text()
    return MappingProxyType(found)


def _check_exported(exported: Field, secrets: set[str]) -> None:
    for index, name in enumerate(exported.texts()):
        if name in secrets or name.startswith("AWS_"):
            raise exported.item(index).error(
                f"{name} cannot be exported: no secret can, and no name that begins with AWS_",
                "take it out of the list",
            )
        if not _VARIABLE.fullmatch(name):
            raise exported.item(index).error(
                f"{name!r} is not the name of a variable",
                "use letters, digits and underscores, not beginning with a digit",
            )


def _phase(phase: Field) -> Phase:
    known = ["run-as", "on-failure", "commands", "finally"]
    if phase.name == "install":
        known.append("runtime-versions")
    phase.allow(*known)
    has_runtimes = phase.name == "install" and phase.get("runtime-versions") is not None
    commands = phase.get("commands") if has_runtimes else phase.required("commands")
    last = phase.get("finally")
    return Phase(
        name=phase.name,
        commands=_commands(commands),
        finally_commands=_commands(last),
        on_failure=_on_failure(phase.get("on-failure")),
        run_as=_text(phase, "run-as"),
    )


def _commands(commands: Field | None) -> tuple[str, ...]:
    return tuple(each.text() for each in commands.items()) if commands else ()


def _on_failure(on_failure: Field | None) -> OnFailure:
    if not on_failure:
        return OnFailure()
    text = on_failure.text()
    if text in {"ABORT", "CONTINUE"}:
        return OnFailure(action=text)
    parts = _RETRY.fullmatch(text)
    if not parts:
        raise on_failure.error(
            f"{text!r} is not a way to go on",
            "write ABORT, CONTINUE, RETRY, RETRY-count, RETRY-regex or RETRY-count-regex",
        )
    retries = int(parts["count"]) if parts["count"] else _RETRIES
    if retries > _MOST_RETRIES:
        raise on_failure.error(
            f"{retries} retries are more than {_MOST_RETRIES}", "write a smaller number"
        )
    pattern = parts["pattern"] or ".*"
    try:
        re.compile(pattern)
    except re.error as error:
        raise on_failure.error(
            f"{pattern!r} is not a regular expression: {error}", "correct it"
        ) from None
    return OnFailure(action="RETRY", retries=retries, pattern=pattern)


def _runtime_versions(versions: Field | None) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for each in versions.fields() if versions else ():
        if each.name not in RUNTIMES:
            raise each.error(
                f"{each.name} is not a runtime that is known here: {', '.join(RUNTIMES)}",
                "install it by a command",
            )
        found[each.name] = each.text()
    return MappingProxyType(found)


def _file_set(owner: Field) -> FileSet:
    return FileSet(
        files=owner.required("files").texts(),
        base_directory=_text(owner, "base-directory"),
        discard_paths=_yes(owner, "discard-paths"),
        exclude_paths=_texts(owner, "exclude-paths"),
        enable_symlinks=_yes(owner, "enable-symlinks"),
    )


def _reports(reports: Field | None) -> tuple[Report, ...]:
    found = []
    for each in reports.fields() if reports else ():
        each.allow("files", "file-format", "base-directory", "discard-paths")
        file_format = each.get("file-format")
        if file_format and file_format.text().upper() not in FORMATS:
            raise file_format.error(
                f"{file_format.text()!r} is not a format of reports",
                f"write one of {', '.join(sorted(FORMATS))}",
            )
        found.append(
            Report(
                group=each.name,
                files=_file_set(each),
                file_format=file_format.text().upper() if file_format else "JUNITXML",
            )
        )
    if reports and len(found) > _MOST_REPORT_GROUPS:
        raise reports.error(
            f"{len(found)} report groups are more than {_MOST_REPORT_GROUPS}, which a project "
            "may have",
            "put files into one group",
        )
    return tuple(found)


_ARTIFACT_KEYS = (
    *("files", "name", "discard-paths", "base-directory", "exclude-paths", "enable-symlinks"),
    "s3-prefix",
)


def _artifacts(artifacts: Field | None) -> Mapping[str, Artifact]:
    if not artifacts:
        return MappingProxyType({})
    artifacts.allow(*_ARTIFACT_KEYS, "secondary-artifacts")
    secondary = artifacts.get("secondary-artifacts")
    found: dict[str, Artifact] = {}
    # The reference asks for `files` always; the service, and the CDK, leave it out beside
    # secondary artifacts.
    if artifacts.get("files") or not secondary:
        found[""] = _artifact(artifacts)
    for each in secondary.fields() if secondary else ():
        each.allow(*_ARTIFACT_KEYS)
        found[each.name] = _artifact(each)
    return MappingProxyType(found)


def _artifact(artifact: Field) -> Artifact:
    return Artifact(
        files=_file_set(artifact),
        name=_text(artifact, "name"),
        s3_prefix=_text(artifact, "s3-prefix"),
    )


def _cache_paths(cache: Field | None) -> tuple[str, ...]:
    if not cache:
        return ()
    cache.allow("key", "fallback-keys", "action", "paths")
    action = cache.get("action")
    if action and action.text() not in {"restore", "save"}:
        raise action.error(f"{action.text()!r} is not an action", "write restore or save")
    _text(cache, "key")
    _texts(cache, "fallback-keys")
    return cache.required("paths").texts()
