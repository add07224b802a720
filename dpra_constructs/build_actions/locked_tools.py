"""Installs tools in pinned versions whose content is checked by its SHA-256 or SHA-512.

The locks in `locks/` hold every package that a tool needs, with its hashes; the repository's
`scripts/lock_tools.py` writes them. What no package registry has is downloaded and checked by
the hash that its publisher gives.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dpra_constructs.build_actions.packed_file import packed_file
from dpra_constructs.build_actions.shell import command

_LOCKS = Path(__file__).parent / "locks"
# With a longer one a buildspec would soon have more than CodeBuild takes.
_LONG_LOCK = 18_000
# `dpra build` sets the variable to its cache, so that tools are installed once.
_TOOLS = '"${DPRA_TOOLS:-$HOME/.dpra}'


@dataclass(frozen=True, slots=True)
class Download:
    """One file of a release: its address, and its SHA-256 as the publisher states it."""

    url: str
    sha256: str


def pip_install(tool: str) -> str:
    """Return the command that installs a Python tool from its lock.

    >>> print(pip_install("ruff").splitlines()[0])
    python -m pip install --quiet --require-hashes --requirement /dev/stdin <<'LOCK'
    """
    lock = _read(f"{tool}.txt")
    install = "python -m pip install --quiet --require-hashes --requirement"
    if len(lock) < _LONG_LOCK:
        return f"{install} /dev/stdin <<'LOCK'\n{lock}LOCK"
    lines = ['lock="$(mktemp)" &&', *packed_file('"$lock"', lock.encode()), f'{install} "$lock"']
    return "\n".join(lines)


def pip_install_files(paths: Sequence[str]) -> str:
    """Return the command that installs what hash-checked requirement files name.

    >>> pip_install_files(["requirements.txt"])
    'python -m pip install --quiet --require-hashes --requirement requirements.txt'
    """
    files = [word for path in paths for word in ("--requirement", path)]
    return command("python -m pip install --quiet --require-hashes", files)


def npm_install(tool: str, *, scripts: bool = True) -> str:
    """Return the command that installs a Node tool from its lock, and puts it on PATH.

    Args:
        tool: its name in `locks/`.
        scripts: whether packages may run their own scripts when they are installed.

    >>> for line in npm_install("aws-cdk").splitlines()[-2:]:
    ...     print(line)
    npm ci --no-audit --no-fund --silent --prefix "${DPRA_TOOLS:-$HOME/.dpra}/aws-cdk" &&
    export PATH="${DPRA_TOOLS:-$HOME/.dpra}/aws-cdk/node_modules/.bin:$PATH"
    """
    lock = _read(f"{tool}.json")
    package = json.dumps(
        {"private": True, "dependencies": json.loads(lock)["packages"][""]["dependencies"]}
    )
    folder = f"{_TOOLS}/{tool}"
    options = "" if scripts else " --ignore-scripts"
    return "\n".join(
        [
            f'mkdir -p {folder}"',
            f"""cat >{folder}/package.json" <<'PACKAGE'\n{package}\nPACKAGE""",
            *(
                [f"""cat >{folder}/package-lock.json" <<'LOCK'\n{lock}LOCK"""]
                if len(lock) < _LONG_LOCK
                else packed_file(f'{folder}/package-lock.json"', lock.encode())
            ),
            f'npm ci --no-audit --no-fund --silent{options} --prefix {folder}" &&',
            f'export PATH={folder}/node_modules/.bin:$PATH"',
        ]
    )


def download(tool: str, platforms: Mapping[str, Download]) -> str:
    """Return the command that downloads a release, checks it, unpacks it and puts it on PATH.

    Args:
        tool: its name; the program is at the top of the archive, in `bin/` or in a `bin/` of the
            archive's one folder. What is no archive is the program itself, or a jar.
        platforms: by `uname -s`-`uname -m` like `Linux-x86_64`, or `*` for all, what to download.
    """
    cases = [
        f"  {platform}) url={shlex.quote(each.url)} sha256={each.sha256} ;;"
        for platform, each in platforms.items()
    ]
    if "*" not in platforms:
        cases.append(f'  *) echo "{tool} is not known for $(uname -s)-$(uname -m)" >&2; exit 1 ;;')
    folder = f'{_TOOLS}/{tool}-$sha256"'
    return "\n".join(
        [
            'case "$(uname -s)-$(uname -m)" in',
            *cases,
            "esac",
            f"folder={folder}",
            'if [ ! -e "$folder/ready" ]; then',
            '  mkdir -p "$folder"',
            '  file="$folder/${url##*/}"',
            '  curl --fail --silent --show-error --location --retry 3 --output "$file" "$url" &&',
            '  echo "$sha256  $file" | sha256sum --check --quiet - &&',
            '  case "$file" in',
            '    *.tar.gz|*.tgz) tar --extract --gzip --file "$file" --directory "$folder" ;;',
            '    *.zip) unzip -q -o "$file" -d "$folder" ;;',
            f'    *.jar) ln -sf "$file" "$folder/{tool}.jar" ;;',
            f'    *) install -m 755 "$file" "$folder/{tool}" ;;',
            '  esac && touch "$folder/ready" || exit 1',
            "fi",
            'for bin in "$folder" "$folder"/bin "$folder"/*/bin; do PATH="$bin:$PATH"; done',
            "export PATH",
        ]
    )


@cache
def _read(name: str) -> str:
    return (_LOCKS / name).read_text("utf-8")
