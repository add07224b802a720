"""Each role of the example's pipeline can do its job, and nothing next to it.

The roles are deployed to the emulator, which enforces IAM, from the templates. What each is for
stands in `access/jobs.py`; a role that is missing there fails by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.following import Silent
from dpra_constructs.rehearsal.output_folder import OutputFolder
from dpra_constructs.rehearsal.rehearsal import Stopwatch, deployed
from dpra_constructs.rehearsal.self_tests.account import assume, policy, role
from dpra_constructs.rehearsal.server import trusts_service
from tests.conftest import ROOT
from tests.rehearsal.access.caller import Answer, Caller
from tests.rehearsal.access.calls import CALLS
from tests.rehearsal.access.deployed_roles import Deployed, DeployedRole, Job, read_deployed
from tests.rehearsal.access.jobs import JOBS, job_of
from tests.rehearsal.access.neighbours import neighbours
from tests.rehearsal.access.request import ACCOUNT, REGION, Request
from tests.rehearsal.access.treasures import treasures

pytestmark = pytest.mark.rehearsal

LEAST_DENIED = 10
SERVICES = [
    f"{name}.amazonaws.com"
    for name in ("cloudformation", "codebuild", "codepipeline", "ec2", "events", "lambda", "states")
]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    watcher = Silent()
    with deployed(
        folder=ROOT / "examples/fruit_api",
        output=OutputFolder(tmp_path_factory.mktemp("access") / "out"),
        watcher=watcher,
        stopwatch=Stopwatch(watcher=watcher),
    ) as emulation:
        found = read_deployed(emulation)
        for bucket in (found.artifacts, *found.replicas):
            s3 = client("s3", found.endpoint, emulation.api.place)
            s3.put_object(Bucket=bucket.rpartition(":")[2], Key="access-test", Body=b"a")
        yield found


@pytest.fixture(scope="session")
def jobs(world: Deployed) -> dict[DeployedRole, Job]:
    return {role: job for role in world.roles if (job := job_of(world, role))}


@pytest.fixture(scope="session")
def answers(world: Deployed, jobs: dict[DeployedRole, Job]) -> dict[tuple[str, Request], Answer]:
    """What each role is answered that does its job."""
    return {
        (role.path, request): world.caller(role, job).asks(request)
        for role, job in jobs.items()
        for request in job.may
    }


def test_every_role_has_a_job(world: Deployed, jobs: dict[DeployedRole, Job]) -> None:
    idle = [role.path for role in world.roles if role not in jobs]
    assert not idle, "write down in tests/rehearsal/access/jobs.py what these are for"


def test_every_job_has_a_role(world: Deployed) -> None:
    paths = [role.path for role in world.roles]
    assert [path for path in JOBS if not any(fnmatchcase(each, path) for each in paths)] == []


def test_every_role_can_do_its_job(answers: dict[tuple[str, Request], Answer]) -> None:
    refused = [
        f"{path}: {request}" for (path, request), answer in answers.items() if not answer.allowed
    ]
    assert not refused, "\n".join(refused)


def test_an_allowed_call_does_what_it_is_for(answers: dict[tuple[str, Request], Answer]) -> None:
    wrong = [
        f"{path}: {request}: {answer.code}"
        for (path, request), answer in answers.items()
        if answer.is_call and answer.code not in ("", CALLS[request.action].ends_in)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_allowed_statement_is_part_of_a_job(jobs: dict[DeployedRole, Job]) -> None:
    idle = [
        f"{role.path}: {problem}"
        for role, job in jobs.items()
        for statement in role.statements
        if statement["Effect"] == "Allow"
        for problem in unused(statement, job, taken_back(role))
    ]
    assert not idle, "\n".join(idle)


def taken_back(role: DeployedRole) -> set[str]:
    """Return the actions that the policies deny to a role on every resource."""
    return {
        action
        for statement in role.statements
        if statement["Effect"] == "Deny" and statement.get("Resource") == "*"
        if not statement.get("Condition")
        for action in as_list(statement["Action"])
    }


def unused(statement: Any, job: Job, denied: set[str]) -> Iterator[str]:
    """Give the actions and resources of a statement that no request of a job is about."""
    if set(as_list(statement["Action"])) <= denied:
        return
    actions, resources = as_list(statement["Action"]), as_list(statement["Resource"])
    done = [
        each
        for each in job.may
        if any(fnmatchcase(each.action, action) for action in actions)
        and any(fnmatchcase(each.concrete, resource) for resource in resources)
    ]
    for action in actions:
        if not any(fnmatchcase(each.action, action) for each in done):
            yield f"{action} on {', '.join(resources)}"
    for resource in resources:
        if not any(fnmatchcase(each.concrete, resource) for each in done):
            yield f"{', '.join(actions)} on {resource}"


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="session")
def denied(
    world: Deployed, jobs: dict[DeployedRole, Job], answers: dict[tuple[str, Request], Answer]
) -> dict[DeployedRole, dict[Request, Answer]]:
    """What each role is answered next to its job; after all have done theirs."""
    assert answers
    return {
        role: {request: world.caller(role, job).asks(request) for request in next_to(job, world)}
        for role, job in jobs.items()
    }


def next_to(job: Job, world: Deployed) -> list[Request]:
    """Return the neighbours of a job's requests, and what is worth most in the pipeline."""
    near = [other for request in job.may for other in neighbours(request)]
    return [
        request
        for request in dict.fromkeys([*near, *treasures(world)])
        if not is_part_of(job, request)
    ]


def is_part_of(job: Job, request: Request) -> bool:
    return request.action in job.anywhere or any(
        each.action == request.action
        and fnmatchcase(request.concrete, each.resource)
        and (each.place(ACCOUNT), each.via) == (request.place(ACCOUNT), request.via)
        for each in job.may
    )


def test_no_role_can_do_what_is_next_to_its_job(
    denied: dict[DeployedRole, dict[Request, Answer]],
) -> None:
    too_broad = [
        f"{role.path}: {request}"
        for role, asked in denied.items()
        for request, answer in asked.items()
        if answer.allowed
    ]
    assert not too_broad, "\n".join(too_broad)


def test_a_role_that_may_more_is_found(world: Deployed, jobs: dict[DeployedRole, Job]) -> None:
    modest = world.role("StageDurationRole")
    may_more = {
        "codepipeline:ListActionExecutions": "arn:aws:codepipeline:*:*:fruit-api*",
        "logs:PutLogEvents": "*",
        "codepipeline:PutApprovalResult": "*",
    }
    iam = client("iam", world.endpoint, modest.place)
    name = {"RoleName": modest.name, "PolicyName": "access-test"}
    statements = [{"Action": action, "Resource": on} for action, on in may_more.items()]
    iam.put_role_policy(**name, PolicyDocument=policy(*statements))
    caller = world.caller(modest, jobs[modest])
    found = {
        request.action for request in next_to(jobs[modest], world) if caller.asks(request).allowed
    }
    iam.delete_role_policy(**name)
    assert found == set(may_more)


def test_a_statement_that_no_job_needs_is_found(
    world: Deployed, jobs: dict[DeployedRole, Job]
) -> None:
    job = jobs[world.role("StageDurationRole")]
    pipeline = "arn:aws:codepipeline:us-west-2:111111111111:fruit-api"
    statement = {
        "Action": ["codepipeline:ListActionExecutions", "codepipeline:StopPipelineExecution"],
        "Resource": [pipeline, f"{pipeline}-2"],
    }
    stop, other = unused(statement, job, denied=set())
    assert stop.startswith("codepipeline:StopPipelineExecution on ")
    assert other.endswith(f" on {pipeline}-2")
    assert not list(unused(statement, job, denied=set(statement["Action"])))


def test_each_role_is_denied_at_least_ten_calls(
    denied: dict[DeployedRole, dict[Request, Answer]],
) -> None:
    few = {
        role.path: count
        for role, asked in denied.items()
        if (count := sum(each.is_call for each in asked.values())) < LEAST_DENIED
    }
    assert few == {}


def test_only_one_service_can_take_a_role(world: Deployed, jobs: dict[DeployedRole, Job]) -> None:
    wrong = [
        f"{role.path}: {service}"
        for role, job in jobs.items()
        for service in SERVICES
        if trusts_service(world.endpoint, role.arn, service) != (service == job.taken_by)
    ]
    assert not wrong, "\n".join(wrong)


def intruder(world: Deployed, account: str) -> Caller:
    """Return a session of an administrator of an account, whom no role here is for."""
    place = Place(account, REGION)
    everything = {"Action": "*", "Resource": "*"}
    arn = role(world.endpoint, place, "access-test-administrator", everything)
    return Caller(endpoint=world.endpoint, arn=arn, credentials=assume(world.endpoint, place, arn))


def test_no_other_role_can_take_a_role(world: Deployed, jobs: dict[DeployedRole, Job]) -> None:
    accounts = {role.place.account for role in world.roles}
    intruders = {account: intruder(world, account) for account in sorted(accounts)}
    taken = [
        f"{role.path} by a role of {account}"
        for role in jobs
        for account, caller in intruders.items()
        if caller.asks(Request("sts:AssumeRole", role.arn)).allowed
    ]
    assert not taken, "\n".join(taken)
