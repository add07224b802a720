"""The build stage: builds, verifies and packages a commit once."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aws_cdk import Duration
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.build_actions import BuildAction, CdkSynth, CodeBuildProject, ToBuildAction
from dpra_constructs.build_actions.pipeline_action import PipelineAction
from dpra_constructs.build_actions.requirement_actions import require_actions
from dpra_constructs.build_actions.source_layout_check import SOURCE_LAYOUT_ACTION
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.pipeline.build_order import Action, check_order, with_inputs
from dpra_constructs.pipeline.definitions import BuildDefinition
from dpra_constructs.pipeline.log_retention import retention_days
from dpra_constructs.pipeline.pull_request_source import pull_request_source
from dpra_constructs.pipeline.source_stage import SourceStage
from dpra_constructs.pipeline.stage_conditions import read_conditions
from dpra_constructs.release.stage_conditions import (
    EntryCondition,
    FailureCondition,
    SuccessCondition,
)
from dpra_constructs.requirements import Requirement, checked_waivers

if TYPE_CHECKING:
    from dpra_constructs.pipeline.definitions import Application

# CodeBuild: "Build timeout: 5 minutes to 36 hours"; beyond a working day it is no time budget.
# https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html
SHORTEST_BUDGET_MINUTES = 5
LONGEST_BUDGET_MINUTES = 480


class BuildStage(Construct):
    """Everything that happens to a commit before it is deployed (DPRA, stage Build).

    First the kinds of source are looked for (DPRA-SOURCE-APPLICATION and others). Then the actions
    run in parallel on a full clone, each after those whose outputs it reads; last the application
    is synthesized once, with all outputs, and what came of it is deployed everywhere
    (DPRA-BUILD-PACKAGE).

    Args:
        scope: the pipeline stack, usually.
        id: the construct's id.
        source: the source stage.
        application: called as `application(scope, id, target)` for every target, returns a
            `cdk.Stage` with the target's account and region; a `Stage` subclass with that
            signature serves.
        actions: build actions, or objects with `to_build_action()`, which together meet what the
            DPRA requires of a build: code, unit tests, quality, secrets, SAST, SCA and SBOM.
        synth: the action that synthesizes the CDK app into `cdk.out`; without it
            `CdkSynth()`. Its `inputs` are the outputs that the application is packaged from;
            without any it gets all but SBOMs, of which CodePipeline takes 4.
        time_budget: how long the stage may take, in whole minutes, 5 to 480; 10 without it
            (DPRA-BUILD-TIME). No action runs longer, and a stage that did is told to those whom
            the pipeline notifies.
        project: where actions run that do not say it themselves; without it a `CodeBuildProject()`.
        log_retention: how long the logs of the pipeline's builds are kept, in days as CloudWatch
            Logs knows them; 365 without it.
        pull_requests: whether pull requests to the trunk are built too, by the same actions and
            without any right to deploy. For a self-managed host its address, like
            `https://git.acme.example`.
        before_entry: what has to hold before the stage begins, like
            `EntryCondition([LambdaInvoke("Ready", function="ready")])`; else the stage fails, and
            can be retried.
        on_success: what has to hold after it, like
            `SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")])`.
        on_failure: what happens when it fails, like `FailureCondition(result="RETRY")`. A stage
            that rolls back takes no `before_entry`, which the rollback would have to pass too.
        waivers: for each requirement of the build that does not hold, the reason.

    Raises:
        InvalidArgumentError: an argument is not one of those, or actions do not fit together.
        WaiverNeededError: a requirement is neither met by an action nor waived.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        source: SourceStage,
        application: Application,
        actions: Iterable[ToBuildAction] = (),
        synth: ToBuildAction | None = None,
        time_budget: Duration | None = None,
        project: CodeBuildProject | None = None,
        log_retention: Duration | None = None,
        pull_requests: bool | str = False,
        before_entry: EntryCondition | None = None,
        on_success: SuccessCondition | None = None,
        on_failure: FailureCondition | None = None,
        waivers: Mapping[Requirement, str] | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(where, "source", source, SourceStage, 'SourceStage(self, "Source", ...)')
        _check_application(where, application)
        checked_actions = _build_actions(where, actions)
        given_synth = _build_action(where, "synth", synth or CdkSynth())
        checked_synth = with_inputs(given_synth, checked_actions)
        arguments.unique(
            where,
            f"the names of actions, synth and {SOURCE_LAYOUT_ACTION}",
            [SOURCE_LAYOUT_ACTION, checked_synth.name, *(each.name for each in checked_actions)],
        )
        check_order(where, checked_actions, checked_synth)
        waived = checked_waivers(where, ("local", "build"), waivers or {})
        require_actions(where, {met for each in checked_actions for met in each.meets}, waived)
        minutes = budget_minutes(where, time_budget, 10)
        arguments.optional(CodeBuildProject)(where, "project", project)
        days = retention_days(where, log_retention)
        requests = pull_request_source(where, source.definition.repository, pull_requests)
        conditions = read_conditions(
            where, before_entry=before_entry, on_success=on_success, on_failure=on_failure
        )
        super().__init__(scope, id)
        self.previous = source
        self.definition = BuildDefinition(
            where=where,
            source=source.definition,
            application=application,
            actions=checked_actions,
            synth=checked_synth,
            app_directory=synth.app_directory if isinstance(synth, CdkSynth) else ".",
            time_budget_minutes=minutes,
            waivers=waived,
            conditions=conditions,
            project=project or CodeBuildProject(),
            log_retention_days=days,
            pull_requests=requests,
        )


def budget_minutes(where: str, time_budget: Duration | None, default: int) -> int:
    """Return a time budget as whole minutes within CodeBuild's limits."""
    if time_budget is None:
        return default
    return arguments.whole(
        where,
        "time_budget",
        time_budget,
        at_least=SHORTEST_BUDGET_MINUTES,
        at_most=LONGEST_BUDGET_MINUTES,
    )


def _check_application(where: str, application: object) -> None:
    fix = "give a cdk.Stage subclass, or a function, called as application(scope, id, target)"
    if not callable(application):
        raise InvalidArgumentError(where, f"application={application!r} is not callable", fix)
    # A jsii class is made by a metaclass, whose signature says nothing.
    is_class = isinstance(application, type)
    signature = inspect.signature(application.__init__ if is_class else application)  # type: ignore[misc]
    try:
        signature.bind(*([None] * (4 if is_class else 3)))
    except TypeError as error:
        name = getattr(application, "__name__", repr(application))
        raise InvalidArgumentError(
            where,
            f"application={name} cannot be called as application(scope, id, target): {error}",
            fix,
        ) from None


def _build_action(where: str, argument: str, given: object) -> BuildAction:
    if isinstance(given, type):
        raise InvalidArgumentError(
            where, f"{argument} has the class {given.__name__}", f"write {given.__name__}()"
        )
    if not isinstance(given, ToBuildAction):
        raise InvalidArgumentError(
            where,
            f"{argument} has {given!r}, which is no build action",
            "give a BuildAction, or an object with the method to_build_action()",
        )
    action = given.to_build_action()
    if not isinstance(action, BuildAction):
        raise InvalidArgumentError(
            where,
            f"{type(given).__name__}.to_build_action() returned {action!r}",
            "return a BuildAction",
        )
    return action


def _build_actions(where: str, given: object) -> tuple[Action, ...]:
    if not isinstance(given, Iterable):
        raise InvalidArgumentError(
            where, f"actions={given!r} is no sequence", "write it as a list: actions=[...]"
        )
    return tuple(
        action
        if isinstance(action, PipelineAction) and not isinstance(action, type)
        else _build_action(where, "actions", action)
        for action in given
    )
