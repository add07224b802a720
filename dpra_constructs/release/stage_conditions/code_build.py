"""The rule in which a build decides."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import ClassVar, Self

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.stage_conditions.rule import Rule, matching

_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,254}")


@dataclass(frozen=True, slots=True)
class CodeBuild(Rule):
    """A build succeeds.

    The project's own role reads the artifacts; let it read the pipeline's `artifact_bucket` and
    use its `artifact_key`.

    Args:
        project: the CodeBuild project's name.
        environment: environment variables as text; no secrets, as they stand in the template.
        primary_source: the input artifact with the buildspec, where there are several.

    >>> CodeBuild("Licences", project="licences", input_artifacts=["Source"]).configuration
    {'ProjectName': 'licences'}
    """

    PROVIDER: ClassVar[str] = "CodeBuild"

    _: KW_ONLY
    project: str
    environment: Mapping[str, str] = field(default_factory=dict)
    primary_source: str | None = None

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        matching(self.where, "project", self.project, _PROJECT, "a CodeBuild project's name")
        environment = arguments.plain(self.where, "environment", self.environment)
        object.__setattr__(self, "environment", environment)
        if len(self.input_artifacts) > 1 and self.primary_source is None:
            raise InvalidArgumentError(
                self.where,
                f"it has {len(self.input_artifacts)} input_artifacts, and no primary_source",
                f'say which has the buildspec, like primary_source="{self.input_artifacts[0]}"',
            )
        if self.primary_source is not None and self.primary_source not in self.input_artifacts:
            raise InvalidArgumentError(
                self.where,
                f"primary_source={self.primary_source!r} is none of its input_artifacts",
                "add it to input_artifacts",
            )

    def reading(self, artifacts: Mapping[str, str]) -> Self:
        """Return it with the names that the pipeline has for its input artifacts."""
        return replace(
            self,
            input_artifacts=[artifacts[name] for name in self.input_artifacts],
            primary_source=self.primary_source and artifacts[self.primary_source],
        )

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        given = {"ProjectName": self.project}
        if self.primary_source is not None:
            given["PrimarySource"] = self.primary_source
        if self.environment:
            given["EnvironmentVariables"] = json.dumps(
                [
                    {"name": name, "value": value, "type": "PLAINTEXT"}
                    for name, value in self.environment.items()
                ]
            )
        return given

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs."""
        project = f"arn:{{partition}}:codebuild:{self.place}:project/{self.project}"
        return (
            Permission(
                actions=["codebuild:BatchGetBuilds", "codebuild:StartBuild"], resources=[project]
            ),
        )
