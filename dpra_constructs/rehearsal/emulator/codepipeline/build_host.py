"""What a build has in place of a container: its own home, the tools that it installs, caches.

A build never sees the rehearsal's own virtual environment, so that a tool which a buildspec
forgets to install is missing here too.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

from dpra_constructs.local_run.tools import ActionTools
from dpra_constructs.rehearsal.emulator.codepipeline import build_guard
from dpra_constructs.rehearsal.settings import Settings

_LOCK = threading.Lock()
_NODE = ("node", "npm", "npx", "corepack")
# What makes a process another Python's, or changes what Python does with its files.
_DROPPED = (
    *("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP"),
    *("PYTHONSAFEPATH", "PYTHONUSERBASE", "PIP_PREFIX", "PIP_TARGET", "PIP_USER"),
    *("PIP_REQUIRE_VIRTUALENV", "NODE_PATH", "DPRA_REHEARSAL_SETTINGS"),
)
# Of the emulator itself.
_EMULATOR = (
    *("AUTH", "BIND_HOST", "GATEWAY_PORT", "IOT_MTLS_ENABLED", "LOG_LEVEL", "MINISTACK_HOST"),
    *("S3_DATA_DIR", "SFTP_ENABLED"),
)


def environment(folder: Path, settings: Settings, tools: ActionTools) -> dict[str, str]:
    """Make a build's home below a folder, and return the environment of its processes.

    The settings of this machine for pip and npm (certificates, indexes) keep working.
    """
    cache = settings.cache_folder
    home = _folder(folder / "home")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in (*_DROPPED, *_EMULATOR) and not name.startswith(("AWS_", "COV_", "PYTEST_"))
    }
    own = {
        **inherited,
        **_machine_settings(),
        build_guard.VARIABLE: build_guard.mark(),
        "CI": "true",
        "HOME": str(home),
        "PATH": os.pathsep.join([str(_node_tools(cache)), *_search_path()]),
        "TMPDIR": str(_folder(folder / "tmp")),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_COLOR": "1",
        "PIP_CACHE_DIR": str(_folder(cache / "pip")),
        "PIP_FIND_LINKS": " ".join(
            [*settings.wheels, *os.environ.get("PIP_FIND_LINKS", "").split()]
        ),
        # Compiling a large package takes longer than importing what is used of it. A false value
        # of this flag is what pip reads as "do not compile".
        "PIP_NO_COMPILE": "0",
        # What Node compiles: `FileAssets` starts cdk-assets for each asset anew.
        "NODE_COMPILE_CACHE": str(_folder(cache / "node-compiled")),
        "NPM_CONFIG_CACHE": str(_folder(cache / "npm")),
        "NPM_CONFIG_AUDIT": "false",
        "NPM_CONFIG_FUND": "false",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        "NPM_CONFIG_PREFER_OFFLINE": "true",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(_folder(cache / "jsii")),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }
    return tools.environment(own)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _search_path() -> list[str]:
    """Return the machine's own search path: without the rehearsal's tools."""
    own = {Path(sys.prefix).resolve(), Path(sys.executable).parent.resolve().parent}
    return [
        each
        for each in os.environ.get("PATH", os.defpath).split(os.pathsep)
        if each
        and "node_modules" not in Path(each).parts
        and not any(
            Path(each).absolute().is_relative_to(prefix)
            for prefix in own
            if prefix != Path(sys.base_prefix).resolve()
        )
    ]


def _machine_settings() -> dict[str, str]:
    """Return variables that name the user's files, which a new home hides."""
    home = Path.home()
    found: dict[str, str] = {}
    for path in (home / ".config/pip/pip.conf", home / ".pip/pip.conf"):
        if path.is_file():
            found.setdefault("PIP_CONFIG_FILE", str(path))
    if (home / ".npmrc").is_file():
        found["NPM_CONFIG_USERCONFIG"] = str(home / ".npmrc")
    return {name: value for name, value in found.items() if name not in os.environ}


def _node_tools(cache: Path) -> Path:
    """Return a folder with Node's programs alone, from where they stand beside other tools."""
    tools = cache / "node"
    with _LOCK:
        tools.mkdir(parents=True, exist_ok=True)
        for name in _NODE:
            found = shutil.which(name)
            link = tools / name
            if found and not (link.is_symlink() and link.resolve() == Path(found).resolve()):
                link.unlink(missing_ok=True)
                link.symlink_to(Path(found).resolve())
    return tools
