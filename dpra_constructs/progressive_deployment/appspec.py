"""Checks the `appspec.yml` of a revision for servers before anything is deployed. Pure.

Source: https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

FILE_NAME = "appspec.yml"
#: The events whose scripts a deployment may have, in their order.
HOOKS = (
    "BeforeBlockTraffic",
    "AfterBlockTraffic",
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
)
_SECTIONS = ("version", "os", "files", "file_exists_behavior", "permissions", "hooks")
_SYSTEMS = ("linux", "windows")
_EXISTING = ("DISALLOW", "OVERWRITE", "RETAIN")
_FILE = ("source", "destination")
_SCRIPT = ("location", "timeout", "runas", "sudo")
_PERMISSION = (
    *("object", "pattern", "except", "owner", "group", "mode", "acls", "context", "type"),
)
_TYPES = ("file", "directory")
# An event's scripts take an hour at most, together.
_LONGEST_SECONDS = 3_600


def check_appspec(text: str, files: frozenset[str] | None = None) -> Mapping[str, Any]:
    """Check an `appspec.yml` for EC2 or on-premises servers; return what it says.

    Args:
        text: what stands in the file.
        files: the paths in the revision, relative to it; without it scripts and sources are not
            looked for.

    Raises:
        InvalidArgumentError: CodeDeploy would refuse it, or fail in the midst of a deployment.
        ModuleNotFoundError: PyYAML is not installed: `pip install 'dpra-constructs[cli]'`.

    >>> check_appspec('''
    ... version: 0.0
    ... os: linux
    ... files: [{source: /, destination: /srv/fruit}]
    ... hooks: {ApplicationStart: [{location: start.sh, timeout: 60}]}
    ... ''')["os"]
    'linux'
    """
    import yaml

    try:
        spec = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidArgumentError(
            FILE_NAME, f"it is not YAML: {' '.join(str(error).split())}", "write it as YAML"
        ) from None
    if not isinstance(spec, Mapping):
        raise InvalidArgumentError(
            FILE_NAME, "it is not a mapping", "begin it with version: 0.0 and os: linux"
        )
    _known(FILE_NAME, spec, _SECTIONS)
    if isinstance(spec.get("version"), bool) or spec.get("version") not in (0.0, "0.0"):
        raise InvalidArgumentError(
            FILE_NAME,
            f"version is {spec.get('version')!r}, and CodeDeploy has 0.0 alone",
            "write version: 0.0",
        )
    _one_of("os", spec.get("os"), _SYSTEMS)
    if "file_exists_behavior" in spec:
        _one_of("file_exists_behavior", spec["file_exists_behavior"], _EXISTING)
    for place, entry in _entries("files", spec.get("files"), _FILE):
        for name in _FILE:
            arguments.text(f"{FILE_NAME}: {place}", name, entry.get(name))
        _there(f"{place}.source", entry["source"], files)
    _check_permissions(spec)
    _check_hooks(spec, files)
    return spec


def _check_permissions(spec: Mapping[str, Any]) -> None:
    given = spec.get("permissions")
    if given and spec["os"] == "windows":
        raise InvalidArgumentError(
            FILE_NAME,
            "permissions stands there, and CodeDeploy has them for linux alone",
            "set them by a script of AfterInstall",
        )
    for place, entry in _entries("permissions", given, _PERMISSION):
        arguments.text(f"{FILE_NAME}: {place}", "object", entry.get("object"))
        for kind in entry.get("type") or ():
            _one_of(f"{place}.type", kind, _TYPES)


def _check_hooks(spec: Mapping[str, Any], files: frozenset[str] | None) -> None:
    hooks = spec.get("hooks") or {}
    if not isinstance(hooks, Mapping):
        raise InvalidArgumentError(
            FILE_NAME, "hooks is not a mapping", "write it like hooks: {AfterInstall: [...]}"
        )
    _known("hooks", hooks, HOOKS)
    for event, scripts in hooks.items():
        seconds = 0
        for place, script in _entries(f"hooks.{event}", scripts, _SCRIPT):
            arguments.text(f"{FILE_NAME}: {place}", "location", script.get("location"))
            _there(f"{place}.location", script["location"], files)
            timeout = script.get("timeout", _LONGEST_SECONDS if len(scripts) == 1 else 0)
            arguments.count(0, _LONGEST_SECONDS)(f"{FILE_NAME}: {place}", "timeout", timeout)
            seconds += timeout
            if spec["os"] == "windows" and "runas" in script:
                raise InvalidArgumentError(
                    f"{FILE_NAME}: {place}",
                    "runas stands there, and CodeDeploy has it for linux alone",
                    "leave it out",
                )
        if seconds > _LONGEST_SECONDS:
            raise InvalidArgumentError(
                f"{FILE_NAME}: hooks.{event}",
                f"its scripts may take {seconds} seconds, and an event has {_LONGEST_SECONDS}",
                "give them shorter timeouts",
            )


def _entries(place: str, given: Any, known: tuple[str, ...]) -> list[tuple[str, Mapping[str, Any]]]:
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        raise InvalidArgumentError(
            f"{FILE_NAME}: {place}", "it is not a list of mappings", "begin each entry with a dash"
        )
    entries = [(f"{place}[{index}]", each) for index, each in enumerate(given)]
    for where, entry in entries:
        _known(where, entry, known)
    return entries


def _known(place: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    where = place if place == FILE_NAME else f"{FILE_NAME}: {place}"
    for name in given:
        if name not in known:
            raise InvalidArgumentError(
                where,
                f"{name!r} stands there, and CodeDeploy knows {', '.join(known)}",
                "check its spelling",
            )


def _one_of(place: str, given: Any, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise InvalidArgumentError(
            f"{FILE_NAME}: {place}",
            f"it is {given!r}, and CodeDeploy has {', '.join(allowed)}",
            "write one of them",
        )


def _there(place: str, path: str, files: frozenset[str] | None) -> None:
    """Refuse a path that the revision does not have; `/` is all of it."""
    name = str(PurePosixPath(path.replace("\\", "/").lstrip("/")))
    if files is None or name == "." or name in files:
        return
    if not any(each.startswith(f"{name}/") for each in files):
        raise InvalidArgumentError(
            f"{FILE_NAME}: {place}",
            f"{path!r} is not in the revision",
            "write it relative to the folder of appspec.yml",
        )
