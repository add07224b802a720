"""Installs what was built into an environment of its own, for tools that look at an application."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dpra_constructs.build_actions.shell import command


def in_application_environment(
    run: str, *, wheels: Sequence[str], requirement_files: Sequence[str]
) -> str:
    """Return a command that runs a tool while `$environment` has an application and nothing else.

    What the wheels depend on comes from requirement files with hashes alone; `pip check` names
    what they lack.

    Args:
        run: the tool's command.
        wheels: folders whose wheels are installed.
        requirement_files: what the wheels depend on.
    """
    pip = 'python -m pip --python "$environment"'
    files = [word for path in requirement_files for word in ("--requirement", path)]
    built = " ".join(f"{shlex.quote(folder)}/*.whl" for folder in wheels)
    steps = [
        'environment="$(mktemp -d)"',
        'python -m venv --without-pip "$environment"',
        *([command(f"{pip} install --quiet --require-hashes", files)] if files else []),
        *([f"{pip} install --quiet --no-deps --no-index {built}"] if built else []),
        f"{pip} check",
        run,
    ]
    return "{ " + " &&\n".join(steps) + "\n}"
