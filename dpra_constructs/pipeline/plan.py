"""The plan of a pipeline: its stages in order, each with what it runs and where. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from enum import Enum

from dpra_constructs import arguments
from dpra_constructs.artifact_integrity.artifact_signing import ArtifactSigning
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.source_layout_check import source_layout_check
from dpra_constructs.environments import DeploymentEnvironment, DeploymentTarget, PipelineIdentity
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.other_deployers import ExternalDeployment
from dpra_constructs.pipeline.build_order import Action, in_order, inputs_of, outputs_of
from dpra_constructs.pipeline.definitions import Chain, ProdDefinition, SelfMutation
from dpra_constructs.pipeline.pull_request_source import PullRequestSource
from dpra_constructs.pipeline.stage_conditions import (
    NO_CONDITIONS,
    ROLLBACK,
    SOURCE_ARTIFACT,
    StageConditions,
    check_all,
    production_entry,
)
from dpra_constructs.release import ChangeCalendar, DeploymentWindow, ManualApproval
from dpra_constructs.release.health_sources import HealthSource
from dpra_constructs.release.manual_approval import APPROVE
from dpra_constructs.release.stage_conditions.condition_text import condition_lines
from dpra_constructs.requirements import Requirement
from dpra_constructs.source import Repository
from dpra_constructs.test_actions import DatabaseMigration, DeployedTest, FaultInjection

APPROVAL_STAGE = "Approve-Prod"
#: The action that seals what the build made, and the one that verifies it before a deployment.
SEAL = "Seal"
VERIFY = "Verify-Artifacts"
# AWS::IAM::Role and CodeBuild projects carry these names, and a stack's name is at most 128
# characters: what is left of it is for the application's own stack ids.
_LONGEST_STAGE_ID = 100


class Purpose(Enum):
    """What a pipeline stage is there for."""

    SOURCE = "source"
    BUILD = "build"
    UPDATE = "update"
    ASSETS = "assets"
    DEPLOY = "deploy"
    APPROVE = "approve"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One pipeline stage: `targets` are deployed to in parallel, then `tests` run in each.

    With `max_parallel` so many targets at once: the next ones after the tests of these.
    The `migrations` run in each target between its database and its software, the `deployments`
    one after the other between its stacks and its tests.
    The `conditions` hold the rules of the `window` and the `calendar` too; `opens` is the stage
    that it stands before for its entry condition alone.
    """

    name: str
    purpose: Purpose
    _: KW_ONLY
    targets: tuple[DeploymentTarget, ...] = ()
    tests: tuple[DeployedTest | FaultInjection, ...] = ()
    migrations: tuple[DatabaseMigration, ...] = ()
    deployments: tuple[ExternalDeployment, ...] = ()
    time_budget_minutes: int | None = None
    bake_minutes: int | None = None
    max_parallel: int | None = None
    health_sources: Sequence[HealthSource] = ()
    conditions: StageConditions = NO_CONDITIONS
    window: DeploymentWindow | None = None
    calendar: ChangeCalendar | None = None
    opens: str = ""

    @property
    def groups(self) -> tuple[tuple[DeploymentTarget, ...], ...]:
        """The targets that are deployed to and tested at once, in order."""
        size = self.max_parallel or max(1, len(self.targets))
        return tuple(
            self.targets[start : start + size] for start in range(0, len(self.targets), size)
        )

    @property
    def rolls_back(self) -> bool:
        """Whether its failure brings back the last successful release."""
        failure = self.conditions.on_failure
        return failure is not None and failure.result == ROLLBACK.result

    @property
    def own_conditions(self) -> StageConditions:
        """The conditions beyond the rollback, the window and the calendar."""
        entry, failure = self.conditions.before_entry, self.conditions.on_failure
        count = (self.window is not None) + (self.calendar is not None)
        rest = entry.rules[count:] if entry else ()
        return replace(
            self.conditions,
            before_entry=replace(entry, rules=rest) if entry and rest else None,
            on_failure=None if failure == ROLLBACK else failure,
        )

    @property
    def cdk_name(self) -> str:
        """The name that CDK Pipelines gives it: with a single target, that of its cdk.Stage."""
        return self.targets[0].stage_id if len(self.targets) == 1 else self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelinePlan:
    """What the engine builds, in order; `print(plan)` shows it."""

    pipeline: PipelineIdentity
    repository: Repository
    source_check: BuildAction | None
    build_actions: tuple[Action, ...]
    synth: BuildAction
    app_directory: str
    build_minutes: int
    project: CodeBuildProject
    log_retention_days: int
    pull_requests: PullRequestSource | None
    approval: ManualApproval | None
    stops_the_line: bool
    rolls_all_back: bool
    signing: ArtifactSigning | None
    stages: tuple[PlannedStage, ...]

    @property
    def build_runs(self) -> tuple[tuple[int, Action], ...]:
        """All that the build stage runs, each with its run order: the check of the source first."""
        first = [(1, self.source_check)] if self.source_check else []
        middle = [(order + len(first), each) for order, each in in_order(self.build_actions)]
        last = max((order for order, _ in (*first, *middle)), default=0) + 1
        return (*first, *middle, (last, self.synth))

    @property
    def seals(self) -> bool:
        """Whether what the build made is sealed, and verified before each deployment."""
        return self.signing is not None

    @property
    def time_budgets(self) -> Mapping[str, int]:
        """Minutes that a pipeline stage may take as a whole, without its bake, by its name."""
        return {
            "Build": self.build_minutes,
            **{
                stage.name: stage.time_budget_minutes
                for stage in self.stages
                if stage.time_budget_minutes is not None
            },
        }

    @property
    def can_be_overridden(self) -> bool:
        """Whether there is a bake or an entry condition, which a person may have to override."""
        return any(stage.bake_minutes or stage.conditions.before_entry for stage in self.stages)

    @property
    def targets(self) -> Iterator[DeploymentTarget]:
        """Every target, in the order of deployment."""
        return (target for stage in self.stages for target in stage.targets)

    @property
    def wave_names(self) -> tuple[str, ...]:
        """The pipeline stages that change production, in order."""
        return tuple(
            stage.name for stage in self.stages if any(t.is_production for t in stage.targets)
        )

    @property
    def entrance(self) -> str:
        """The pipeline stage through which a release comes into production."""
        waves = self.wave_names
        return next(
            stage.name
            for stage in self.stages
            if stage.purpose in (Purpose.APPROVE, Purpose.OPEN) or stage.name in waves
        )

    @property
    def production_names(self) -> tuple[str, ...]:
        """The waves, and the stages between them, in which a release has changed production."""
        waves = self.wave_names
        return tuple(
            stage.name
            for stage in self.stages
            if stage.name in waves
            or (stage.purpose is Purpose.OPEN and stage.name != self.entrance)
        )

    def __str__(self) -> str:
        """Return the plan as text: a line for each pipeline stage and for all that it runs."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        here = self.pipeline
        yield f"Pipeline {here.name} in {here.account}/{here.region}"
        for stage in self.stages:
            notes = []
            if stage.name in self.time_budgets:
                notes.append(f"time budget {self.time_budgets[stage.name]} min")
            if stage.window:
                notes.append(f"window {stage.window.text}")
            if stage.calendar:
                notes.append(f"calendar {', '.join(stage.calendar.calendars)}")
            if stage.rolls_back:
                notes.append("rolls back on failure")
            if self.rolls_all_back and stage.name in self.wave_names[1:]:
                notes.append("a failed bake rolls back the waves before it too")
            if self.stops_the_line and stage.name == self.entrance:
                notes.append("closed when a wave fails")
            yield f"{stage.name} ({', '.join(notes)})" if notes else stage.name
            yield from (f"  {line}" for line in condition_lines(stage.own_conditions.properties))
            yield from self._steps(stage)

    def _steps(self, stage: PlannedStage) -> Iterator[str]:
        match stage.purpose:
            case Purpose.SOURCE:
                yield f"  1 Source: {self.repository.description}"
            case Purpose.BUILD:
                for order, action in self.build_runs:
                    yield f"  {order} {self._build_line(action)}"
                if self.seals:
                    yield f"  {order + 1} {SEAL} ({Requirement.BUILD_SIGNATURE.value})"
                if self.pull_requests:
                    yield f"  - the same for {self.pull_requests.description}"
            case Purpose.UPDATE:
                yield "  1 SelfMutate"
            case Purpose.ASSETS:
                yield "  1 publish the application's assets, where it has any"
            case Purpose.APPROVE:
                actions = self.approval.actions if self.approval else ()
                for order, name in enumerate(actions, 1):
                    notes = self.approval.notes if self.approval and name == APPROVE else ""
                    yield f"  {order} {name}{f' ({notes})' if notes else ''}"
            case Purpose.OPEN:
                yield f"  1 Announce {stage.opens}"
            case Purpose.DEPLOY:
                order = 1
                if self.seals:
                    yield f"  1 {VERIFY}"
                    order += 1
                for group in stage.groups:
                    for target in group:
                        place = f"{target.account}/{target.region}"
                        yield f"  {order} deploy {target.stage_id} to {place}"
                        yield from (
                            f"  {order} {migration.description} in {target.region}, before the "
                            "software"
                            for migration in stage.migrations
                        )
                        yield from (
                            f"  {order + number} {deployment.name} in {target.region}"
                            for number, deployment in enumerate(stage.deployments, 1)
                        )
                        tested = order + 1 + len(stage.deployments)
                        yield from (
                            f"  {tested} {test.name} in {target.region}" for test in stage.tests
                        )
                    order += 1 + len(stage.deployments) + bool(stage.tests)
                if stage.bake_minutes is not None:
                    watched = "".join(f", watches {each.name}" for each in stage.health_sources)
                    yield f"  {order} Bake for {stage.bake_minutes} minutes{watched}"

    def _build_line(self, action: Action) -> str:
        notes = [requirement.value for requirement in action.meets]
        if isinstance(action, BuildAction):
            if action.secrets:
                notes.append(f"secrets {' '.join(action.secrets)}")
            if action.publishes:
                notes.append("publishes")
        return "".join(
            [
                action.name,
                *(f" <- {name}" for name in inputs_of(action)),
                *(f" -> {name}" for name in outputs_of(action)),
                f" ({', '.join(notes)})" if notes else "",
            ]
        )


def make_plan(
    chain: Chain,
    pipeline: PipelineIdentity,
    self_mutation: SelfMutation,
    signing: ArtifactSigning | None = None,
) -> PipelinePlan:
    """Turn the stages into the plan of one pipeline.

    Raises:
        InvalidArgumentError: two environments share a name, or a name would be too long.
    """
    beta, gamma, prod = chain.beta, chain.gamma, chain.prod
    environments = [stage.environment for stage in (beta, gamma, prod) if stage]
    arguments.unique(
        f'DeploymentPipeline "{pipeline.name}"',
        "the environments' names",
        [environment.name for environment in environments],
    )
    stages = [
        PlannedStage("Source", Purpose.SOURCE),
        PlannedStage("Build", Purpose.BUILD, conditions=chain.build.conditions),
    ]
    if self_mutation is not SelfMutation.OFF:
        stages.append(PlannedStage("UpdatePipeline", Purpose.UPDATE))
    stages.append(PlannedStage("Assets", Purpose.ASSETS))
    stages.append(
        PlannedStage(
            "Beta",
            Purpose.DEPLOY,
            targets=_targets(pipeline, beta.environment, beta.environment.regions),
            tests=beta.tests,
            migrations=beta.migrations,
            deployments=beta.deployments,
            time_budget_minutes=beta.time_budget_minutes,
            conditions=beta.conditions,
        )
    )
    if gamma:
        stages.append(
            PlannedStage(
                "Gamma",
                Purpose.DEPLOY,
                targets=_targets(pipeline, gamma.environment, gamma.environment.regions),
                tests=gamma.tests,
                migrations=gamma.migrations,
                deployments=gamma.deployments,
                time_budget_minutes=gamma.time_budget_minutes,
                bake_minutes=gamma.bake_minutes,
                health_sources=gamma.health_sources,
                max_parallel=gamma.max_parallel,
                conditions=replace(gamma.conditions, on_failure=ROLLBACK),
            )
        )
    if prod:
        if prod.approval:
            stages.append(
                PlannedStage(
                    APPROVAL_STAGE,
                    Purpose.APPROVE,
                    window=prod.window,
                    calendar=prod.calendar,
                    conditions=_production_entry(pipeline, prod, APPROVAL_STAGE),
                )
            )
        for number, wave in enumerate(prod.waves):
            name = f"Prod-{wave.name}"
            # Not on the wave itself: a rollback would wait for the window, or fail.
            opening = f"Open-{wave.name}"
            entry = _production_entry(pipeline, prod, opening)
            if entry.before_entry and (number or not prod.approval):
                stages.append(
                    PlannedStage(
                        opening,
                        Purpose.OPEN,
                        window=prod.window,
                        calendar=prod.calendar,
                        conditions=entry,
                        opens=name,
                    )
                )
            stages.append(
                PlannedStage(
                    name,
                    Purpose.DEPLOY,
                    targets=_targets(pipeline, prod.environment, wave.regions, is_production=True),
                    tests=prod.tests,
                    migrations=prod.migrations,
                    deployments=prod.deployments,
                    bake_minutes=wave.bake_minutes,
                    health_sources=wave.health_sources,
                    max_parallel=wave.max_parallel,
                    conditions=StageConditions(on_success=wave.on_success, on_failure=ROLLBACK),
                )
            )
    where = f'DeploymentPipeline "{pipeline.name}"'
    for stage in stages:
        arguments.pipeline_stage_name(where, stage.name)
    made = {name for action in chain.build.actions for name in outputs_of(action)}
    check_all(where, {each.name: each.conditions for each in stages}, {SOURCE_ARTIFACT, *made})
    return PipelinePlan(
        pipeline=pipeline,
        signing=signing,
        repository=chain.source.repository,
        source_check=source_layout_check(chain.source.layout, chain.source.waivers),
        build_actions=chain.build.actions,
        synth=chain.build.synth,
        app_directory=chain.build.app_directory,
        build_minutes=chain.build.time_budget_minutes,
        project=chain.build.project,
        log_retention_days=chain.build.log_retention_days,
        pull_requests=chain.build.pull_requests,
        approval=prod.approval if prod else None,
        stops_the_line=prod is not None and prod.stop_the_line,
        rolls_all_back=prod is not None and prod.rolls_all_back,
        stages=tuple(stages),
    )


def _production_entry(
    pipeline: PipelineIdentity, prod: ProdDefinition, stage: str
) -> StageConditions:
    entry = production_entry(
        pipeline=pipeline.name,
        stage=stage,
        condition=prod.before_entry,
        window=prod.window,
        calendar=prod.calendar,
    )
    return StageConditions(before_entry=entry)


def _targets(
    pipeline: PipelineIdentity,
    environment: DeploymentEnvironment,
    regions: Sequence[str],
    *,
    is_production: bool = False,
) -> tuple[DeploymentTarget, ...]:
    targets = tuple(
        DeploymentTarget(
            pipeline=pipeline,
            environment=environment.name,
            account=environment.account,
            region=region,
            configuration=environment.configuration_in(region),
            is_production=is_production,
        )
        for region in regions
    )
    for target in targets:
        if len(target.stage_id) > _LONGEST_STAGE_ID:
            raise InvalidArgumentError(
                f'DeploymentPipeline "{pipeline.name}"',
                f"the cdk.Stage id {target.stage_id!r} has {len(target.stage_id)} characters, and "
                f"a stack's name leaves room for {_LONGEST_STAGE_ID}",
                "shorten the name of the pipeline or of the environment",
            )
    return targets
