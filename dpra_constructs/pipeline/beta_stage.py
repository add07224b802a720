"""The beta stage: the first deployment, and tests against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import Duration
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentEnvironment
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.other_deployers import ExternalDeployment
from dpra_constructs.pipeline.build_stage import BuildStage, budget_minutes
from dpra_constructs.pipeline.definitions import BetaDefinition
from dpra_constructs.pipeline.deployed_tests import (
    read_deployments,
    read_migrations,
    read_tests,
    unique_names,
)
from dpra_constructs.pipeline.stage_conditions import read_conditions
from dpra_constructs.release.stage_conditions import (
    EntryCondition,
    FailureCondition,
    SuccessCondition,
)
from dpra_constructs.requirements import Requirement, checked_waivers, require
from dpra_constructs.test_actions import (
    AcceptanceTest,
    DatabaseMigration,
    IntegrationTest,
    ToDeployedTest,
)


class BetaStage(Construct):
    """Deploys to the beta environment and tests there (DPRA, stage Test (Beta)).

    Args:
        scope: the pipeline stack, usually.
        id: the construct's id.
        build: the build stage.
        environment: the account and its regions, at least one.
        integration_tests: run in each region after its deployment (DPRA-BETA-INTEGRATION): each an
            `IntegrationTest`, or a typed test like `Cucumber`.
        acceptance_tests: run beside them (DPRA-BETA-ACCEPTANCE): each an `AcceptanceTest`, or a
            typed test like `Playwright`.
        migrations: of databases, before the software of each region is deployed.
        deployments: by other deployers, after the stacks of each region and before its tests, in
            their order, like `OctopusDeployment`.
        time_budget: how long the stage may take, in whole minutes, 5 to 480; 30 without it
            (DPRA-BETA-TIME). A test that takes longer fails, and a stage that took longer is told
            to the pipeline's `notifications`.
        before_entry: what has to hold before the stage begins, like
            `EntryCondition([LambdaInvoke("Ready", function="ready")])`; else the stage fails, and
            can be retried.
        on_success: what has to hold after it, like
            `SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")])`.
        on_failure: what happens when it fails, like `FailureCondition(result="RETRY")`. A stage
            that rolls back takes no `before_entry`, which the rollback would have to pass too.
        waivers: for each requirement of beta that does not hold, the reason.

    Raises:
        InvalidArgumentError: an argument is not one of those, or a kind of test is neither given
            nor waived.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        build: BuildStage,
        environment: DeploymentEnvironment,
        integration_tests: Iterable[IntegrationTest | ToDeployedTest] = (),
        acceptance_tests: Iterable[AcceptanceTest | ToDeployedTest] = (),
        migrations: Iterable[DatabaseMigration] = (),
        deployments: Iterable[ExternalDeployment] = (),
        time_budget: Duration | None = None,
        before_entry: EntryCondition | None = None,
        on_success: SuccessCondition | None = None,
        on_failure: FailureCondition | None = None,
        waivers: Mapping[Requirement, str] | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(where, "build", build, BuildStage, 'BuildStage(self, "Build", ...)')
        check_regional(where, environment)
        waived = checked_waivers(where, ("beta",), waivers or {})
        integration = read_tests(where, "integration_tests", integration_tests, IntegrationTest)
        acceptance = read_tests(where, "acceptance_tests", acceptance_tests, AcceptanceTest)
        for tests, requirement, argument in (
            (integration, Requirement.BETA_INTEGRATION, "integration_tests"),
            (acceptance, Requirement.BETA_ACCEPTANCE, "acceptance_tests"),
        ):
            require(where, requirement, bool(tests), waived, f"{argument} is empty", "give one")
        all_tests = (*integration, *acceptance)
        all_migrations = read_migrations(where, migrations)
        all_deployments = read_deployments(where, deployments)
        unique_names(where, [*all_tests, *all_migrations, *all_deployments])
        minutes = budget_minutes(where, time_budget, 30)
        conditions = read_conditions(
            where, before_entry=before_entry, on_success=on_success, on_failure=on_failure
        )
        super().__init__(scope, id)
        self.previous = build
        self.definition = BetaDefinition(
            where=where,
            build=build.definition,
            environment=environment,
            tests=all_tests,
            migrations=all_migrations,
            deployments=all_deployments,
            time_budget_minutes=minutes,
            waivers=waived,
            conditions=conditions,
        )


def check_regional(where: str, environment: object) -> None:
    """Refuse what is no environment, or one without regions."""
    arguments.instance(
        where,
        "environment",
        environment,
        DeploymentEnvironment,
        'DeploymentEnvironment("beta", account="222222222222", regions=["us-west-2"])',
    )
    assert isinstance(environment, DeploymentEnvironment)
    if not environment.regions:
        raise InvalidArgumentError(
            where,
            f'environment "{environment.name}" has no regions',
            'name them: DeploymentEnvironment(..., regions=["us-west-2"])',
        )
