"""Reads the tests, migrations and deployments that a stage is given."""

from __future__ import annotations

from collections.abc import Iterable

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import instances
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.other_deployers import ExternalDeployment
from dpra_constructs.test_actions import (
    DatabaseMigration,
    DeployedTest,
    FaultInjection,
    ToDeployedTest,
)


def read_tests(
    where: str, argument: str, given: object, kind: type[DeployedTest] = DeployedTest
) -> tuple[DeployedTest, ...]:
    """Return tests, typed or generic; a generic one has to be of the kind that is asked for."""
    tests = []
    for test in _each(where, argument, given):
        if not isinstance(test, ToDeployedTest) or isinstance(test, DeployedTest | type):
            arguments.instance(where, argument, test, kind, f'[{kind.__name__}("make test")]')
        assert isinstance(test, ToDeployedTest)  # narrows the type; checked above
        tests.append(test.to_deployed_test())
    return tuple(tests)


def read_resilience_tests(
    where: str, argument: str, given: object
) -> tuple[DeployedTest | FaultInjection, ...]:
    """Return experiments of AWS FIS, and tests by other tools."""
    tests: list[DeployedTest | FaultInjection] = []
    for test in _each(where, argument, given):
        if isinstance(test, FaultInjection):
            tests.append(test)
        else:
            tests.extend(read_tests(where, argument, [test]))
    return tuple(tests)


def read_migrations(where: str, given: object) -> tuple[DatabaseMigration, ...]:
    """Return migrations."""
    example = '[DatabaseMigration("flyway", changes="database", url_output="DatabaseUrl", ...)]'
    return instances(where, "migrations", given, DatabaseMigration, example)


def read_deployments(where: str, given: object) -> tuple[ExternalDeployment, ...]:
    """Return deployments by other deployers."""
    example = '[OctopusDeployment("https://acme.octopus.app", ...)]'
    return instances(where, "deployments", given, ExternalDeployment, example)


def unique_names(
    where: str,
    runs: Iterable[DeployedTest | FaultInjection | DatabaseMigration | ExternalDeployment],
) -> None:
    """Refuse two actions of one name: in the pipeline stage they would be the same."""
    arguments.unique(where, "the names of tests", [each.name for each in runs])


def _each(where: str, argument: str, given: object) -> Iterable[object]:
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise InvalidArgumentError(
            where,
            f"{argument}={arguments.shown(given)} is no sequence",
            f"write it as a list: {argument}=[...]",
        )
    return given
