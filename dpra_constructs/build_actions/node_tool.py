"""What the typed actions share that work on a Node project and its package-lock.json."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from dpra_constructs import arguments
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, option


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeTool(TypedAction):
    """A typed action on a Node project; its tool is one of the project's own packages.

    `npm ci` installs exactly what package-lock.json says, and checks its hashes.

    Args:
        directory: the folder of `package.json` and `package-lock.json`.
    """

    directory: str = option(".", arguments.relative_path)

    @property
    def npm_ci(self) -> str:
        """The command that installs the project's packages."""
        return self.inside("npm ci --no-audit --no-fund")

    def inside(self, run: str) -> str:
        """Return a command that runs in the project's folder, and changes no other's folder."""
        return run if self.directory == "." else f"(cd {shlex.quote(self.directory)} && {run})"

    def program(self, name: str, *arguments: Sequence[str]) -> str:
        """Return a command that runs a program of the project's packages, and downloads none."""
        return self.inside(command(f"./node_modules/.bin/{name}", *arguments))

    def path(self, within: str) -> str:
        """Return a path in the project's folder, from the repository's root."""
        return within if self.directory == "." else f"{self.directory.rstrip('/')}/{within}"
