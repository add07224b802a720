"""What the typed actions share whose tool comes from PyPI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.locked_tools import pip_install, pip_install_files
from dpra_constructs.build_actions.typed_action import TypedAction, option


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonTool(TypedAction):
    """A typed action whose tool pip installs, in a version that is checked by its hash.

    Args:
        requirements: requirement files with hashes, from which the tool is installed instead of
            in the version that this library pins; they have to name the tool too.
    """

    LOCK: ClassVar[str]

    requirements: Sequence[str] = option((), arguments.relative_paths)

    @property
    def tool(self) -> str:
        """The command that installs the tool."""
        return pip_install_files(self.requirements) if self.requirements else pip_install(self.LOCK)
