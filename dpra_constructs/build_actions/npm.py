"""Builds a Node project with npm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.node_tool import NodeTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class Npm(NodeTool):
    """A Node project, built once by its own scripts and the TypeScript compiler (DPRA-BUILD-CODE).

    `npm ci` installs what package-lock.json says. Source: https://docs.npmjs.com/cli/commands/npm-ci

    Args:
        scripts: of package.json, which `npm run` runs one after the other.
        type_check: first run the project's own `tsc --noEmit`, which fails on type errors; for
            bundlers, which only drop the types.
        tsconfig: the file that `type_check` reads; without it `tsconfig.json`.
        extra_arguments: further arguments of the scripts.
        outputs: directories with what was built, by name; without it `dist` of the project.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in Npm(directory="web", type_check=True).to_build_action().commands:
    ...     print(command)
    (cd web && ./node_modules/.bin/tsc --noEmit --pretty false)
    (cd web && npm run build)
    """

    DEFAULT_NAME: ClassVar[str] = "Package"

    scripts: Sequence[str] = option(("build",), arguments.texts)
    type_check: bool = option(False, arguments.flag)
    tsconfig: str | None = option(None, arguments.optional(arguments.relative_path))
    outputs: Mapping[str, str] | None = None

    def check(self) -> None:
        """Refuse to do nothing, and a file that nothing reads."""
        if not self.scripts and not self.type_check:
            raise InvalidArgumentError(
                self.where,
                "scripts is empty and type_check is False, so that nothing would be built",
                'name a script of package.json, like scripts=["build"]',
            )
        if self.tsconfig and not self.type_check:
            raise InvalidArgumentError(
                self.where,
                f"tsconfig={self.tsconfig!r} is given, and type_check is False",
                "write type_check=True, or leave tsconfig out",
            )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        project = ["--project", self.tsconfig] if self.tsconfig else []
        check = self.program("tsc", ["--noEmit", "--pretty", "false"], project)
        more = ["--", *self.extra_arguments] if self.extra_arguments else []
        # Without scripts nothing is built, so there is nothing to hand on.
        outputs = {"dist": self.path("dist")} if self.scripts else {}
        return self.action(
            install=[self.npm_ci],
            commands=[
                *([check] if self.type_check else []),
                *(self.inside(command("npm run", [each], more)) for each in self.scripts),
            ],
            outputs=outputs if self.outputs is None else self.outputs,
            meets=[Requirement.BUILD_CODE],
        )
