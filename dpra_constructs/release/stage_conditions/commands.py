"""The rule in which commands decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.stage_conditions.rule import Rule
from dpra_constructs.release.stage_conditions.service_terms import LONGEST_COMMAND, MOST_COMMANDS


@dataclass(frozen=True, slots=True)
class Commands(Rule):
    """Commands succeed, in a build environment that CodePipeline starts.

    Args:
        run: 1 to 50 commands, each of one line and up to 1,000 characters.

    >>> Commands("Ready", run=["./ready.sh"], input_artifacts=["Source"]).properties["Commands"]
    ['./ready.sh']
    """

    PROVIDER: ClassVar[str] = "Commands"

    _: KW_ONLY
    run: Sequence[str]

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        run = arguments.some_texts(self.where, "run", self.run)
        object.__setattr__(self, "run", run)
        if len(run) > MOST_COMMANDS:
            raise InvalidArgumentError(
                self.where,
                f"run has {len(run)} commands, and the rule takes {MOST_COMMANDS}",
                "put them into a script",
            )
        for each in run:
            if "\n" in each or len(each) > LONGEST_COMMAND:
                raise InvalidArgumentError(
                    self.where,
                    f"run has {arguments.shown(each)}, which is more than one line of "
                    f"{LONGEST_COMMAND} characters",
                    "put it into a script",
                )

    @property
    def commands(self) -> tuple[str, ...]:
        """What the rule runs."""
        return tuple(self.run)

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        return {}

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs: to write its log."""
        group = f"arn:{{partition}}:logs:{self.place}:log-group:/aws/codepipeline/{pipeline}"
        return (
            Permission(
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[group, f"{group}:*"],
                reason="CodePipeline names the log streams of a Commands rule when it runs",
            ),
        )
