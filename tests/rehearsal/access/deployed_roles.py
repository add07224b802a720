"""The roles of the example, as they are deployed to the emulator from the templates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dpra_constructs.cloud_assembly import AssembledStack, assembled_stacks
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.rehearsal import Emulation
from dpra_constructs.rehearsal.role_policies import role_documents
from dpra_constructs.rehearsal.self_tests.account import assume, policy
from dpra_constructs.rehearsal.stacks import create_stack
from tests.rehearsal.access.caller import Caller
from tests.rehearsal.access.request import ACCOUNT, REGION, Request

_ROLE, _POLICY = "AWS::IAM::Role", "AWS::IAM::Policy"
# Roles of the application's stacks that are no part of the pipeline.
_NOT_OF_THE_PIPELINE = (
    "/Api/Function/Role",
    "/Api/Function/CodeDeployRole",
    # Of the synthetic test.
    "/Api/Prices/Role",
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DeployedRole:
    """A role: the path of its construct in the pipeline's, and what its policies say."""

    path: str
    arn: str
    place: Place
    statements: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """The name in its account."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a role is for.

    Args:
        may: what it does.
        taken_by: the service that takes it, or the path of the role that does.
        anywhere: what it may do on other resources too, each with the reason.
        is_passed: whether its taker may take it; the test lends the permission where it may not.
    """

    may: tuple[Request, ...]
    taken_by: str
    anywhere: Mapping[str, str]
    is_passed: bool = True


@dataclass(kw_only=True)
class Deployed:
    """The deployed pipeline, and the roles of the library in the application's stacks.

    Args:
        endpoint: the emulator's.
        resources: the physical names of the pipeline's stack, by the path of the construct.
        replicas: the ARNs of the artifact buckets of the other regions.
        replica_keys: the ARNs of their keys.
        roles: all of them.
    """

    endpoint: str
    resources: Mapping[tuple[str, str], str]
    replicas: tuple[str, ...]
    replica_keys: tuple[str, ...]
    roles: tuple[DeployedRole, ...]
    callers: dict[str, Caller] = field(default_factory=dict)

    def name(self, kind: str, path: str) -> str:
        """Return the physical name of a resource of the pipeline's stack."""
        return self.resources[kind, path]

    def topic(self, path: str) -> str:
        """Return the ARN of a topic."""
        return self.name("AWS::SNS::Topic", path)

    @property
    def artifacts(self) -> str:
        """The ARN of the artifact bucket."""
        return f"arn:aws:s3:::{self.name('AWS::S3::Bucket', 'Artifacts')}"

    @property
    def evidence(self) -> str:
        """The ARN of the bucket that keeps evidence."""
        return f"arn:aws:s3:::{self.name('AWS::S3::Bucket', 'Evidence')}"

    @property
    def access_logs(self) -> str:
        """The ARN of the bucket with the access logs of artifacts and evidence."""
        return f"arn:aws:s3:::{self.name('AWS::S3::Bucket', 'AccessLogs')}"

    @property
    def bootstrap_bucket(self) -> str:
        """The ARN of the bucket that the CDK bootstrap made for assets."""
        return f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"

    @property
    def key(self) -> str:
        """The ARN of the artifact key."""
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{self.name('AWS::KMS::Key', 'ArtifactKey')}"

    @property
    def signing_key(self) -> str:
        """The ARN of the key that artifacts are sealed with."""
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{self.name('AWS::KMS::Key', 'SigningKey1')}"

    @cached_property
    def projects(self) -> list[str]:
        """The ARNs of the CodeBuild projects."""
        return [
            f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name}"
            for (kind, _), name in sorted(self.resources.items())
            if kind == "AWS::CodeBuild::Project"
        ]

    def role(self, path: str) -> DeployedRole:
        """Return a role by the path of its construct."""
        [found] = [role for role in self.roles if role.path == path]
        return found

    def is_of_an_action(self, role: DeployedRole) -> bool:
        """Whether an action of the pipeline works with a role, as the pipeline's says."""
        return "CodePipelineActionRole" in role.path or role.path.endswith("ActionRole")

    def caller(self, role: DeployedRole, job: Job) -> Caller:
        """Return a session of a role, taken by whom it is for."""
        if role.arn not in self.callers:
            taker = None if job.taken_by.endswith(".amazonaws.com") else self.role(job.taken_by)
            if taker and not job.is_passed:
                with self._lent(taker, role):
                    self.callers[role.arn] = self._session(role, taker)
            else:
                self.callers[role.arn] = self._session(role, taker)
        return self.callers[role.arn]

    def _session(self, role: DeployedRole, taker: DeployedRole | None) -> Caller:
        # The emulator lets the root of an account stand for the services that a role trusts.
        by = self._session(taker, None).credentials if taker else None
        session = assume(self.endpoint, role.place, role.arn, by)
        return Caller(endpoint=self.endpoint, arn=role.arn, credentials=session)

    @contextmanager
    def _lent(self, taker: DeployedRole, role: DeployedRole) -> Iterator[None]:
        iam = client("iam", self.endpoint, taker.place)
        given = {"Action": "sts:AssumeRole", "Resource": role.arn}
        name = {"RoleName": taker.name, "PolicyName": "access-test"}
        iam.put_role_policy(**name, PolicyDocument=policy(given))
        yield
        iam.delete_role_policy(**name)


def read_deployed(emulation: Emulation) -> Deployed:
    """Deploy the library's roles of the application's stacks too, and read all of them back."""
    endpoint, tools = emulation.endpoint, emulation.api.place
    stacks = list(assembled_stacks(emulation.output.assembly))
    applications = [each for each in stacks if "/" in each.path]
    with ThreadPoolExecutor(8) as executor:
        made = executor.map(lambda stack: _deploy_roles(endpoint, stack), applications)
        of_applications = [role for each in made for role in each]
    [own] = [each for each in stacks if each.path == emulation.stack.id]
    support = [each for each in stacks if each.path.startswith("cross-region-stack-")]
    physical = {each.name: _physical(endpoint, each) for each in (own, *support)}
    return Deployed(
        endpoint=endpoint,
        resources={
            (kind, _in_the_pipeline(path)): physical[own.name][id]
            for id, kind, path in _resources(own.template())
        },
        replicas=tuple(
            f"arn:aws:s3:::{physical[each.name][id]}"
            for each in support
            for id, kind, path in _resources(each.template())
            if kind == "AWS::S3::Bucket" and "Replication" in path
        ),
        replica_keys=tuple(
            f"arn:aws:kms:{each.region}:{tools.account}:key/{physical[each.name][id]}"
            for each in support
            for id, kind, _ in _resources(each.template())
            if kind == "AWS::KMS::Key"
        ),
        roles=(
            *_roles(endpoint, own, physical[own.name]),
            *of_applications,
        ),
    )


def _deploy_roles(endpoint: str, stack: AssembledStack) -> list[DeployedRole]:
    """Deploy the roles of the library in an application's stack, and nothing else of it."""
    template = stack.template()
    roles = {id for id, kind, path in _resources(template) if kind == _ROLE and not _is_own(path)}
    only = {
        id: resource
        for id, resource in template["Resources"].items()
        if id in roles
        or (
            resource["Type"] == _POLICY
            and {each["Ref"] for each in resource["Properties"]["Roles"]} & roles
        )
    }
    place = Place(stack.account, stack.region)
    create_stack(
        client("cloudformation", endpoint, place), stack.name, json.dumps({"Resources": only})
    )
    return list(_roles(endpoint, stack, _physical(endpoint, stack)))


def _roles(
    endpoint: str, stack: AssembledStack, physical: Mapping[str, str]
) -> Iterator[DeployedRole]:
    place = Place(stack.account, stack.region)
    iam = client("iam", endpoint, place)
    for id, kind, path in _resources(stack.template()):
        if kind != _ROLE or _is_own(path):
            continue
        role = iam.get_role(RoleName=physical[id])["Role"]
        yield DeployedRole(
            path=_in_the_pipeline(path),
            arn=role["Arn"],
            place=place,
            statements=tuple(
                statement
                for document in role_documents(iam, physical[id])
                for statement in document["Statement"]
            ),
        )


def _resources(template: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give the resources: logical id, type and the path of the construct."""
    for id, resource in template["Resources"].items():
        path = resource.get("Metadata", {}).get("aws:cdk:path", "")
        yield id, resource["Type"], path.removesuffix("/Resource")


def _in_the_pipeline(path: str) -> str:
    return path.partition("/")[2].removeprefix("Pipeline/")


def _is_own(path: str) -> bool:
    return path.endswith(_NOT_OF_THE_PIPELINE)


def _physical(endpoint: str, stack: AssembledStack) -> dict[str, str]:
    cloudformation = client("cloudformation", endpoint, Place(stack.account, stack.region))
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in cloudformation.get_paginator("list_stack_resources").paginate(
            StackName=stack.name
        )
        for each in page["StackResourceSummaries"]
    }
