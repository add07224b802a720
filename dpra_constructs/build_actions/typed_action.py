"""What the typed actions share: options that are checked by their declaration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.code_build_project import CodeBuildProject

T = TypeVar("T")
#: Takes where, the argument's name and its value; returns the value to keep, or raises.
Check = Callable[[str, str, Any], Any]
_CHECK = "check"


def option(default: T, check: Check) -> T:
    """Declare an argument of a typed action with its default and its check."""
    return field(default=default, metadata={_CHECK: check})


def needed(check: Check) -> Any:
    """Declare an argument of a typed action that has to be given."""
    return field(metadata={_CHECK: check})


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedAction(ABC):
    """One tool as a small value over `BuildAction`; a subclass declares options and renders them.

    Arguments that all typed actions take:

    Args:
        name: the action's name in the pipeline; 1 to 40 letters, digits and hyphens.
        install: further commands that install what is needed, after the tool itself.
        extra_arguments: further arguments of the tool, each a text of its own.
        environment: environment variables as text; no secrets, as they stand in the template.
        inputs: names of outputs of other build actions; this one runs after those, with each
            output in the directory in which it was made.
        project: where it runs; without it as the `BuildStage` says.

    Raises:
        InvalidArgumentError: a value is not one of those.
    """

    DEFAULT_NAME: ClassVar[str]

    name: str = ""
    install: Sequence[str] = option((), arguments.texts)
    extra_arguments: Sequence[str] = option((), arguments.texts)
    environment: Mapping[str, str] = field(default_factory=dict, metadata={_CHECK: arguments.plain})
    inputs: Sequence[str] = option((), arguments.names)
    project: CodeBuildProject | None = option(None, arguments.optional(CodeBuildProject))

    def __post_init__(self) -> None:
        """Check every argument as it is declared, then what the rendered action says."""
        object.__setattr__(self, "name", self.name or self.DEFAULT_NAME)
        where = self.where
        for each in fields(self):
            if check := each.metadata.get(_CHECK):
                checked = check(where, each.name, getattr(self, each.name))
                object.__setattr__(self, each.name, checked)
        self.check()
        self.to_build_action()

    @property
    def where(self) -> str:
        """How messages name it."""
        return f'{type(self).__name__} "{self.name}"'

    def check(self) -> None:  # noqa: B027
        """Refuse what only several arguments together show; most actions have nothing of it."""

    @abstractmethod
    def to_build_action(self) -> BuildAction:
        """Return the build action."""

    def action(
        self, *, install: Sequence[str] = (), commands: Sequence[str], **more: Any
    ) -> BuildAction:
        """Return a build action with what all typed actions share.

        `inputs` and `environment` given here are added to those of the value.
        """
        inputs = (*more.pop("inputs", ()), *self.inputs)
        project = more.pop("project", None)
        return BuildAction(
            self.name,
            install=[*install, *self.install],
            commands=commands,
            inputs=tuple(dict.fromkeys(inputs)),
            environment={**more.pop("environment", {}), **self.environment},
            project=project if self.project is None else self.project,
            **more,
        )
