"""The gamma stage: the application as production will have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import Annotations, Duration, Stack
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentEnvironment
from dpra_constructs.environments.wave import bake_minutes, check_max_parallel
from dpra_constructs.other_deployers import ExternalDeployment
from dpra_constructs.pipeline.beta_stage import BetaStage, check_regional
from dpra_constructs.pipeline.build_stage import budget_minutes
from dpra_constructs.pipeline.definitions import GammaDefinition
from dpra_constructs.pipeline.deployed_tests import (
    read_deployments,
    read_migrations,
    read_resilience_tests,
    read_tests,
    unique_names,
)
from dpra_constructs.pipeline.stage_conditions import read_conditions
from dpra_constructs.release.health_sources import HealthSource
from dpra_constructs.release.health_sources.health_source import read_health_sources
from dpra_constructs.release.stage_conditions import SuccessCondition
from dpra_constructs.requirements import Requirement, checked_waivers, require
from dpra_constructs.test_actions import (
    AcceptanceTest,
    DatabaseMigration,
    FaultInjection,
    IntegrationTest,
    ToDeployedTest,
)


class GammaStage(Construct):
    """Deploys to the gamma environment, which is as production is (DPRA, stage Test (Gamma)).

    A failed action, and a bake in which the health of a region breaks, roll the stage back to the
    last successful release.

    Args:
        scope: the pipeline stack, usually.
        id: the construct's id.
        beta: the beta stage.
        environment: an account other than the pipeline's (DPRA-GAMMA-ENVIRONMENT), and the
            regions of production (DPRA-GAMMA-REGIONS).
        bake: how long the `DeploymentHealth` of every region is watched after the deployment, in
            whole minutes, up to 23 hours (DPRA-GAMMA-MONITORING).
        performance_tests: run in each region after its deployment and before the bake
            (DPRA-GAMMA-PERFORMANCE), like `Locust`, `JMeter` or `Gatling`.
        resilience_tests: run beside them, so under their load (DPRA-GAMMA-RESILIENCE), like
            `FaultInjection`.
        security_tests: run beside them (DPRA-GAMMA-DAST), like `ZapBaseline`.
        integration_tests: run beside them, as in beta.
        acceptance_tests: run beside them, as in beta.
        migrations: of databases, before the software of each region is deployed.
        deployments: by other deployers, after the stacks of each region and before its tests, in
            their order, like `OctopusDeployment`.
        time_budget: how long the stage may take without its bake, in whole minutes, 5 to 480; 30
            without it (DPRA-GAMMA-TIME). A stage that took longer is told to the pipeline's
            `notifications`.
        max_parallel: how many regions are deployed to at once, in their order; the next ones follow
            after the tests of these, and the bake after all. Without it all at once.
        on_success: what has to hold after the bake, like
            `SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")])`; else the stage rolls
            back, or fails. A condition to enter it is the `on_success` of beta: here a rollback
            would have to pass it too.
        health_sources: monitors outside CloudWatch that the bake watches too, like
            `DatadogMonitor` or `DynatraceProblems`.
        waivers: for each requirement of gamma that does not hold, the reason. Without performance,
            resilience or security tests, which the DPRA recommends, the synthesis warns; a waiver
            of DPRA-GAMMA-PERFORMANCE, DPRA-GAMMA-RESILIENCE or DPRA-GAMMA-DAST says why not.
            DPRA-GAMMA-SYNTHETICS needs a `SyntheticTest` in every region.

    Raises:
        InvalidArgumentError: an argument is not one of those, or the account is the pipeline's.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        beta: BetaStage,
        environment: DeploymentEnvironment,
        bake: Duration | None = None,
        performance_tests: Iterable[ToDeployedTest] = (),
        resilience_tests: Iterable[FaultInjection | ToDeployedTest] = (),
        security_tests: Iterable[ToDeployedTest] = (),
        integration_tests: Iterable[IntegrationTest | ToDeployedTest] = (),
        acceptance_tests: Iterable[AcceptanceTest | ToDeployedTest] = (),
        migrations: Iterable[DatabaseMigration] = (),
        deployments: Iterable[ExternalDeployment] = (),
        time_budget: Duration | None = None,
        max_parallel: int | None = None,
        on_success: SuccessCondition | None = None,
        health_sources: Iterable[HealthSource] = (),
        waivers: Mapping[Requirement, str] | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(where, "beta", beta, BetaStage, 'BetaStage(self, "Beta", ...)')
        check_regional(where, environment)
        minutes = bake_minutes(where, bake)
        performance = read_tests(where, "performance_tests", performance_tests)
        resilience = read_resilience_tests(where, "resilience_tests", resilience_tests)
        security = read_tests(where, "security_tests", security_tests)
        tests = (
            *performance,
            *resilience,
            *security,
            *read_tests(where, "integration_tests", integration_tests, IntegrationTest),
            *read_tests(where, "acceptance_tests", acceptance_tests, AcceptanceTest),
        )
        all_migrations = read_migrations(where, migrations)
        all_deployments = read_deployments(where, deployments)
        unique_names(where, [*tests, *all_migrations, *all_deployments])
        budget = budget_minutes(where, time_budget, 30)
        waived = checked_waivers(where, ("gamma",), waivers or {})
        require(
            where,
            Requirement.GAMMA_ENVIRONMENT,
            environment.account != Stack.of(scope).account,
            waived,
            f"environment has account {environment.account}, in which the pipeline runs",
            "give gamma an account of its own",
        )
        require(
            where,
            Requirement.GAMMA_MONITORING,
            minutes is not None,
            waived,
            "there is no bake",
            "give bake=Duration.minutes(15)",
        )
        check_max_parallel(where, max_parallel)
        conditions = read_conditions(where, on_success=on_success)
        sources = read_health_sources(where, health_sources, bakes=minutes is not None)
        super().__init__(scope, id)
        for requirement, argument, given in (
            (Requirement.GAMMA_PERFORMANCE, "performance_tests", performance),
            (Requirement.GAMMA_RESILIENCE, "resilience_tests", resilience),
            (Requirement.GAMMA_DAST, "security_tests", security),
        ):
            if not given and requirement not in waived:
                Annotations.of(self).add_warning_v2(
                    f"dpra-constructs:{requirement.value}",
                    f"{where}: there are no {argument}, which the DPRA recommends: "
                    f"{requirement.why} Give some, or waive {requirement.value} with a reason.",
                )
        self.previous = beta
        self.definition = GammaDefinition(
            where=where,
            beta=beta.definition,
            environment=environment,
            tests=tests,
            migrations=all_migrations,
            deployments=all_deployments,
            time_budget_minutes=budget,
            bake_minutes=minutes,
            waivers=waived,
            conditions=conditions,
            max_parallel=max_parallel,
            health_sources=sources,
        )
