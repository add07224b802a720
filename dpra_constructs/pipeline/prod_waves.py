"""Production: an approval, then waves of regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from aws_cdk import Stack
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentEnvironment, Wave
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.other_deployers import ExternalDeployment
from dpra_constructs.pipeline.definitions import GammaDefinition, ProdDefinition
from dpra_constructs.pipeline.deployed_tests import (
    read_deployments,
    read_migrations,
    read_tests,
    unique_names,
)
from dpra_constructs.pipeline.gamma_stage import GammaStage
from dpra_constructs.pipeline.stage_conditions import check_entry, check_entry_rules
from dpra_constructs.release import ChangeCalendar, DeploymentWindow, ManualApproval
from dpra_constructs.release.stage_conditions import EntryCondition
from dpra_constructs.requirements import Requirement, checked_waivers, require
from dpra_constructs.source import S3Source
from dpra_constructs.test_actions import DatabaseMigration, ToDeployedTest


class ProdWaves(Construct):
    """Deploys to production, wave after wave (DPRA, stage Prod).

    A failed action, and a bake in which the health of a region breaks, roll the wave back to the
    last successful release; waves before it stay, unless `on_bake_failure` says otherwise.

    Args:
        scope: the pipeline stack, usually.
        id: the construct's id.
        gamma: the gamma stage.
        environment: an account other than the pipeline's; its regions come from the waves.
        waves: in order, each region in one of them (DPRA-PROD-WAVES), and each with a bake
            (DPRA-PROD-ROLLBACK).
        approval: asked for before the first wave (DPRA-PROD-APPROVAL).
        tests: run in each region after its deployment and before the bake of its wave; short
            ones, that leave no trace in production.
        migrations: of databases, before the software of each region is deployed.
        deployments: by other deployers, after the stacks of each region and before its tests, in
            their order, like `OctopusDeployment`.
        window: the days and hours in which a release enters production, and each further wave;
            outside it waits. It stands on `Approve-Prod` and on a stage `Open-<wave>` before each
            further wave, which tells the pipeline's `notifications` that the wave begins.
        calendar: change calendars that have to be open there; while one is closed, a release
            fails there, and can be retried.
        before_entry: what else has to hold there, like
            `EntryCondition([LambdaInvoke("Ticket", function="ticket")])`; else a release fails
            there, and can be retried. What has to hold after a wave is the wave's `on_success`.
        stop_the_line: whether a wave that fails or is rolled back closes the stage before the
            waves, until a person enables its inbound transition; the pipeline's `notifications`
            are told.
        on_bake_failure: "roll_back_wave" leaves the waves before the one whose bake failed as they
            are; "roll_back_all" rolls them back too, the newest first, each to the release that it
            had before. It needs `stop_the_line`.
        waivers: for each requirement of prod that does not hold, the reason.

    Raises:
        InvalidArgumentError: an argument is not one of those, the account is the pipeline's, or
            gamma's regions are not those of the waves.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        gamma: GammaStage,
        environment: DeploymentEnvironment,
        waves: Iterable[Wave],
        approval: ManualApproval | None = None,
        tests: Iterable[ToDeployedTest] = (),
        migrations: Iterable[DatabaseMigration] = (),
        deployments: Iterable[ExternalDeployment] = (),
        window: DeploymentWindow | None = None,
        calendar: ChangeCalendar | None = None,
        before_entry: EntryCondition | None = None,
        stop_the_line: bool = True,
        on_bake_failure: Literal["roll_back_wave", "roll_back_all"] = "roll_back_wave",
        waivers: Mapping[Requirement, str] | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(where, "gamma", gamma, GammaStage, 'GammaStage(self, "Gamma", ...)')
        arguments.instance(
            where,
            "environment",
            environment,
            DeploymentEnvironment,
            'DeploymentEnvironment("prod", account="444444444444")',
        )
        arguments.flag(where, "stop_the_line", stop_the_line)
        arguments.one_of(
            where, "on_bake_failure", on_bake_failure, ("roll_back_wave", "roll_back_all")
        )
        rolls_all_back = on_bake_failure == "roll_back_all"
        if rolls_all_back and not stop_the_line:
            raise InvalidArgumentError(
                where,
                'on_bake_failure="roll_back_all" with stop_the_line=False would let the next '
                "release into waves that are rolled back",
                "leave stop_the_line out",
            )
        if window is not None:
            arguments.instance(
                where,
                "window",
                window,
                DeploymentWindow,
                'DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin")',
            )
        if calendar is not None:
            arguments.instance(
                where, "calendar", calendar, ChangeCalendar, 'ChangeCalendar(["year-end-freeze"])'
            )
        check_entry(where, before_entry)
        check_entry_rules(where, before_entry, window, calendar)
        checked_waves = _waves(where, waves)
        all_tests = read_tests(where, "tests", tests)
        all_migrations = read_migrations(where, migrations)
        all_deployments = read_deployments(where, deployments)
        unique_names(where, [*all_tests, *all_migrations, *all_deployments])
        if environment.regions:
            raise InvalidArgumentError(
                where,
                f'environment "{environment.name}" has regions, and so have the waves',
                "leave them to the waves",
            )
        _check_region_configuration(where, environment, checked_waves)
        waived = checked_waivers(where, ("prod",), waivers or {})
        if approval is not None:
            arguments.instance(where, "approval", approval, ManualApproval, "ManualApproval()")
        require(
            where,
            Requirement.PROD_APPROVAL,
            approval is not None,
            waived,
            "there is no approval",
            "give approval=ManualApproval(...)",
        )
        repository = gamma.definition.beta.build.source.repository
        if approval and approval.forbid_author and isinstance(repository, S3Source):
            raise InvalidArgumentError(
                where,
                f"approval has forbid_author=True, and {repository.description} tells no author",
                "leave forbid_author out, or take the source from a Git repository",
            )
        unwatched = [wave.name for wave in checked_waves if wave.bake_minutes is None]
        require(
            where,
            Requirement.PROD_ROLLBACK,
            not unwatched,
            waived,
            f"there is no bake in {', '.join(unwatched)}",
            "give the wave bake=Duration.minutes(30)",
        )
        if environment.account == Stack.of(scope).account:
            raise InvalidArgumentError(
                where,
                f"environment has account {environment.account}, in which the pipeline runs",
                "give production an account of its own",
            )
        _check_gamma_regions(gamma.definition, checked_waves)
        super().__init__(scope, id)
        self.previous = gamma
        self.definition = ProdDefinition(
            where=where,
            gamma=gamma.definition,
            environment=environment,
            waves=checked_waves,
            tests=all_tests,
            migrations=all_migrations,
            deployments=all_deployments,
            approval=approval,
            stop_the_line=stop_the_line,
            rolls_all_back=rolls_all_back,
            window=window,
            calendar=calendar,
            before_entry=before_entry,
            waivers=waived,
        )


def _waves(where: str, given: object) -> tuple[Wave, ...]:
    example = '[Wave("one-box", ["us-west-2"])]'
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise InvalidArgumentError(
            where,
            f"waves={arguments.shown(given)} is no sequence",
            f"write it like waves={example}",
        )
    waves = tuple(given)
    if not waves:
        raise InvalidArgumentError(where, "waves is empty", f"give one, like waves={example}")
    for wave in waves:
        arguments.instance(where, "waves", wave, Wave, example)
    arguments.unique(where, "the names of waves", [wave.name for wave in waves])
    arguments.unique(where, "waves", [region for wave in waves for region in wave.regions])
    return waves


def _check_region_configuration(
    where: str, environment: DeploymentEnvironment, waves: tuple[Wave, ...]
) -> None:
    unknown = sorted(environment.region_configuration.keys() - _regions(waves))
    if unknown:
        raise InvalidArgumentError(
            where,
            f'environment "{environment.name}" has region_configuration for '
            f"{', '.join(unknown)}, which no wave deploys to",
            "remove it, or add the region to a wave",
        )


def _check_gamma_regions(gamma: GammaDefinition, waves: tuple[Wave, ...]) -> None:
    in_gamma, in_prod = set(gamma.environment.regions), _regions(waves)
    for missing, problem, fix in (
        (
            in_prod - in_gamma,
            "deployed to in prod but not in gamma",
            "add them to gamma's environment",
        ),
        (
            in_gamma - in_prod,
            "deployed to in gamma but not in prod",
            "remove them from gamma's environment, or add them to a wave",
        ),
    ):
        require(
            gamma.where,
            Requirement.GAMMA_REGIONS,
            not missing,
            gamma.waivers,
            f"regions {', '.join(sorted(missing))} are {problem}",
            fix,
        )


def _regions(waves: tuple[Wave, ...]) -> set[str]:
    return {region for wave in waves for region in wave.regions}
