"""What a build has in place of a container: its own home, Python and npm, and shared caches.

A build never sees the rehearsal's own virtual environment, so that a tool which a buildspec
forgets to install is missing here too.
"""

from __future__ import annotations

import compileall
import ensurepip
import os
import shutil
import sys
import sysconfig
import threading
import uuid
import venv
import zipfile
from pathlib import Path

from dpra_constructs.rehearsal.emulator.codepipeline import build_guard
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
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


def environment(folder: Path, settings: Settings) -> dict[str, str]:
    """Make a build's home below a folder, and return the environment of its processes.

    The settings of this machine for pip and npm (certificates, indexes) keep working.
    """
    cache = settings.cache_folder
    home, python, node = folder / "home", folder / "python", folder / "npm"
    for each in (home, node / "bin", cache):
        each.mkdir(parents=True, exist_ok=True)
    _make_python(python, _pip(cache))
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in (*_DROPPED, *_EMULATOR) and not name.startswith(("AWS_", "COV_", "PYTEST_"))
    }
    search = [node / "bin", python / "bin", _node_tools(cache), *_search_path()]
    return {
        **inherited,
        **_machine_settings(),
        build_guard.VARIABLE: build_guard.mark(),
        "CI": "true",
        "HOME": str(home),
        "PATH": os.pathsep.join(str(each) for each in search),
        "TMPDIR": str(_folder(folder / "tmp")),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_COLOR": "1",
        "PIP_CACHE_DIR": str(_folder(cache / "pip")),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": " ".join(
            [*settings.wheels, *os.environ.get("PIP_FIND_LINKS", "").split()]
        ),
        # Compiling a large package takes longer than importing what is used of it. A false value
        # of this flag is what pip reads as "do not compile".
        "PIP_NO_COMPILE": "0",
        "NPM_CONFIG_CACHE": str(_folder(cache / "npm")),
        "NPM_CONFIG_PREFIX": str(node),
        "NPM_CONFIG_AUDIT": "false",
        "NPM_CONFIG_FUND": "false",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        "NPM_CONFIG_PREFER_OFFLINE": "true",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(_folder(cache / "jsii")),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }


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


def _pip(cache: Path) -> Path:
    """Return a folder with the pip that comes with this Python, unpacked and compiled once.

    Without byte code, each start of pip takes a second more, and each build starts it.
    """
    wheel = _bundled_pip()
    unpacked = cache / f"{wheel.stem}-{sys.implementation.cache_tag}"
    with _LOCK:
        if not unpacked.exists():
            partial = unpacked.with_suffix(f".{uuid.uuid4().hex}")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(partial)
            # Where it stays, so that a traceback names files that exist.
            compileall.compile_dir(
                partial, quiet=2, stripdir=str(partial), prependdir=str(unpacked)
            )
            try:
                partial.rename(unpacked)
            except OSError:
                # Another rehearsal was faster.
                shutil.rmtree(partial, ignore_errors=True)
    return unpacked


def _bundled_pip() -> Path:
    # Debian keeps it in a folder of its own.
    folders = [Path(ensurepip.__file__).parent / "_bundled"]
    if elsewhere := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        folders.append(Path(elsewhere))
    for folder in folders:
        if found := sorted(folder.glob("pip-*.whl")):
            return found[-1]
    raise ActionFailedError(
        "JobFailed",
        f"this Python has no pip to give to builds ({', '.join(map(str, folders))}); install its "
        "module ensurepip (on Debian: the package python3-venv)",
    )


def _make_python(folder: Path, pip: Path) -> None:
    """Make a virtual environment that has pip by links, in a tenth of a second."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    for each in pip.iterdir():
        shutil.copytree(each, packages / each.name, copy_function=_link)
    for name in ("pip", "pip3"):
        script = folder / "bin" / name
        script.write_text(
            f"#!{folder / 'bin' / 'python'}\n"
            "import sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"
        )
        script.chmod(0o755)


def _link(source: str, target: str) -> None:
    # pip replaces files and never writes into them, so a hard link will do.
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


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
