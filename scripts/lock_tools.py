"""Writes the locks of the tools that build actions install: every package, with its hashes.

`python scripts/lock_tools.py` needs `uv` and `npm` on PATH. A lock holds no registry's address,
and the wheels of the platforms that builds and workstations have: Linux and macOS, on x86-64 and
ARM64, with the Python versions that the library supports.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

LOCKS = Path(__file__).parents[1] / "dpra_constructs" / "build_actions" / "locks"
# Tool -> what is locked, in the versions of `tool_versions.py` where that has one.
PYTHON_TOOLS = {
    "bandit": ["bandit"],
    "black": ["black"],
    "build": ["build"],
    "cyclonedx-bom": ["cyclonedx-bom"],
    "detect-secrets": ["detect-secrets"],
    "ggshield": ["ggshield"],
    "locust": ["locust"],
    "pip-audit": ["pip-audit"],
    "pysonar": ["pysonar"],
    "pytest": ["pytest", "pytest-cov"],
    "ruff": ["ruff"],
    "securesystemslib": ["securesystemslib[awskms,crypto]"],
    "semgrep": ["semgrep"],
    "twine": ["twine"],
}
NODE_TOOLS = {
    "aws-cdk": "aws-cdk",
    "cyclonedx-npm": "@cyclonedx/cyclonedx-npm",
    "snyk": "snyk",
}
_PYTHONS = r"(py3|py2\.py3|.*cp3(11|12|13|14)\b.*|cp3\d+(?=-abi3))"
_PLATFORMS = re.compile(
    rf"-({_PYTHONS})-[^-]+-(any|.*manylinux[^-]*_(x86_64|aarch64)|.*linux_(x86_64|aarch64)"
    r"|macosx_[^-]*_(arm64|x86_64|universal2))\.whl$"
)
# pip 24 takes the newest version of `coverage[toml]`, and fails, where only `coverage` is pinned.
_EXTRAS = re.compile(r"^([a-z0-9.-]+)(\[[^\]]+\])==", re.MULTILINE)
_EXCLUDED = re.compile(r"musllinux|cp3\d+t-|-pp\d|armv7l|i686|ppc64|s390x|riscv64|-win")


def main() -> None:
    """Write all locks, or those named as arguments."""
    wanted = set(sys.argv[1:])
    pins = _pins()
    for tool, packages in PYTHON_TOOLS.items():
        if not wanted or tool in wanted:
            (LOCKS / f"{tool}.txt").write_text(python_lock(packages, pins))
    for tool, package in NODE_TOOLS.items():
        if not wanted or tool in wanted:
            (LOCKS / f"{tool}.json").write_text(node_lock(package, pins))


def python_lock(packages: list[str], pins: dict[str, str]) -> str:
    """Return requirements with hashes."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, lock = Path(folder) / "wanted.in", Path(folder) / "pylock.toml"
        constraints = Path(folder) / "constraints.txt"
        wanted.write_text("\n".join(packages))
        constraints.write_text(
            "\n".join(f"{name}=={pins[name]}" for name in packages if name in pins)
        )
        compiling = [
            *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
            *("--no-header", "--constraint", str(constraints), str(wanted)),
        ]
        locking = ["--generate-hashes", "--format", "pylock.toml", "--output-file", str(lock)]
        subprocess.run([*compiling, *locking], check=True)
        locked = tomllib.loads(lock.read_text())
        # Such a lock does not say which extras are wanted.
        text = subprocess.run(
            [*compiling, "--no-strip-extras", "--no-annotate"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    named = dict(_EXTRAS.findall(text))
    return "".join(
        filter(
            None, (_requirement(each, named.get(each["name"], "")) for each in locked["packages"])
        )
    )


def _requirement(package: dict[str, Any], extras: str) -> str:
    marker = package.get("marker", "")
    if re.fullmatch(
        r"(sys_platform|os_name|platform_system) == '(win32|nt|Windows|cygwin)'", marker
    ):
        return ""
    wheels = package.get("wheels", [])
    kept = [each for each in wheels if _is_for_us(each["url"].rpartition("/")[2])]
    files = kept or ([package["sdist"]] if "sdist" in package else [])
    hashes = sorted({each["hashes"]["sha256"] for each in files})
    condition = f" ; {marker}" if marker else ""
    lines = [f"{package['name']}{extras}=={package['version']}{condition}"]
    lines += [f"    --hash=sha256:{value}" for value in hashes]
    return " \\\n".join(lines) + "\n"


def _is_for_us(wheel: str) -> bool:
    return bool(_PLATFORMS.search(wheel)) and not _EXCLUDED.search(wheel)


def node_lock(package: str, pins: dict[str, str]) -> str:
    """Return a package-lock.json, in one line a package."""
    with tempfile.TemporaryDirectory() as folder:
        version = (
            pins.get(package)
            or subprocess.run(
                ["npm", "view", package, "version"], check=True, capture_output=True, text=True
            ).stdout.strip()
        )
        manifest = {"private": True, "dependencies": {package: version}}
        (Path(folder) / "package.json").write_text(json.dumps(manifest))
        subprocess.run(
            ["npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        lock = json.loads((Path(folder) / "package-lock.json").read_text())
    kept = {
        path: {
            name: value
            for name, value in each.items()
            # `bin` stays: without it npm makes no link in node_modules/.bin.
            if name not in ("resolved", "funding", "license", "engines", "deprecated")
        }
        for path, each in lock["packages"].items()
    }
    lines = ",\n".join(f"{json.dumps(path)}: {json.dumps(each)}" for path, each in kept.items())
    return f'{{"lockfileVersion": 3, "requires": true, "packages": {{\n{lines}\n}}}}\n'


def _pins() -> dict[str, str]:
    """Return the versions that development has too, so that both are the same."""
    root = LOCKS.parents[2]
    pins = dict(
        line.split("==")
        for line in (root / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    pins.update(json.loads((root / "package.json").read_text())["devDependencies"])
    return pins


if __name__ == "__main__":
    main()
