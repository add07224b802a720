"""What the stage constructs say, as frozen values: the input of the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.pipeline_action import PipelineAction
from dpra_constructs.environments import DeploymentEnvironment, DeploymentTarget, Wave
from dpra_constructs.other_deployers import ExternalDeployment
from dpra_constructs.pipeline.pull_request_source import PullRequestSource
from dpra_constructs.pipeline.stage_conditions import NO_CONDITIONS, StageConditions
from dpra_constructs.release import ChangeCalendar, DeploymentWindow, ManualApproval
from dpra_constructs.release.health_sources import HealthSource
from dpra_constructs.release.stage_conditions import EntryCondition
from dpra_constructs.requirements import Requirement
from dpra_constructs.source import Repository, SourceLayout
from dpra_constructs.test_actions import DatabaseMigration, DeployedTest, FaultInjection

if TYPE_CHECKING:
    from aws_cdk import Stage
    from constructs import Construct

    #: Makes the application for one target; a `cdk.Stage` subclass with this signature serves.
    Application = Callable[[Construct, str, DeploymentTarget], Stage]

Waivers = Mapping[Requirement, str]


class SelfMutation(Enum):
    """How the pipeline updates itself when a commit changes it.

    An update of the pipeline's structure ends the executions that are in it, and a wave can no
    longer be rolled back to a release from before the update.
    """

    GUARDED = "GUARDED"
    """Waits, up to 55 minutes, until no release is between its approval and its last wave."""
    UNGUARDED = "UNGUARDED"
    """Updates at once, whatever is in the pipeline."""
    OFF = "OFF"
    """Never; the pipeline stack is deployed by other means."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceDefinition:
    """What a SourceStage says."""

    where: str
    repository: Repository
    layout: SourceLayout
    waivers: Waivers


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildDefinition:
    """What a BuildStage says."""

    where: str
    source: SourceDefinition
    application: Application
    actions: tuple[BuildAction | PipelineAction, ...]
    synth: BuildAction
    app_directory: str
    time_budget_minutes: int
    waivers: Waivers
    project: CodeBuildProject
    log_retention_days: int
    pull_requests: PullRequestSource | None
    conditions: StageConditions = NO_CONDITIONS


@dataclass(frozen=True, kw_only=True, slots=True)
class BetaDefinition:
    """What a BetaStage says."""

    where: str
    build: BuildDefinition
    environment: DeploymentEnvironment
    tests: tuple[DeployedTest, ...]
    time_budget_minutes: int
    waivers: Waivers
    migrations: tuple[DatabaseMigration, ...] = ()
    deployments: tuple[ExternalDeployment, ...] = ()
    conditions: StageConditions = NO_CONDITIONS


@dataclass(frozen=True, kw_only=True, slots=True)
class GammaDefinition:
    """What a GammaStage says."""

    where: str
    beta: BetaDefinition
    environment: DeploymentEnvironment
    time_budget_minutes: int
    bake_minutes: int | None
    waivers: Waivers
    max_parallel: int | None = None
    tests: tuple[DeployedTest | FaultInjection, ...] = ()
    migrations: tuple[DatabaseMigration, ...] = ()
    deployments: tuple[ExternalDeployment, ...] = ()
    conditions: StageConditions = NO_CONDITIONS
    health_sources: tuple[HealthSource, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ProdDefinition:
    """What ProdWaves say."""

    where: str
    gamma: GammaDefinition
    environment: DeploymentEnvironment
    waves: tuple[Wave, ...]
    approval: ManualApproval | None
    stop_the_line: bool
    rolls_all_back: bool
    window: DeploymentWindow | None
    calendar: ChangeCalendar | None
    waivers: Waivers
    tests: tuple[DeployedTest, ...] = ()
    migrations: tuple[DatabaseMigration, ...] = ()
    deployments: tuple[ExternalDeployment, ...] = ()
    before_entry: EntryCondition | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """The stages up to the last one of a pipeline."""

    source: SourceDefinition
    build: BuildDefinition
    beta: BetaDefinition
    gamma: GammaDefinition | None = None
    prod: ProdDefinition | None = None

    @classmethod
    def ending_with(cls, last: BetaDefinition | GammaDefinition | ProdDefinition) -> Chain:
        """Follow the chain from its last stage back to the source."""
        prod = last if isinstance(last, ProdDefinition) else None
        gamma = prod.gamma if prod else last if isinstance(last, GammaDefinition) else None
        beta = gamma.beta if gamma else last
        assert isinstance(beta, BetaDefinition)  # narrows the type; the constructs checked it
        return cls(beta.build.source, beta.build, beta, gamma, prod)

    @property
    def definitions(
        self,
    ) -> tuple[
        SourceDefinition | BuildDefinition | BetaDefinition | GammaDefinition | ProdDefinition, ...
    ]:
        """The stages in order."""
        stages = (self.source, self.build, self.beta, self.gamma, self.prod)
        return tuple(stage for stage in stages if stage is not None)
