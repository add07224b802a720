"""Who may sign: the example's own key policy and roles, in the emulator with IAM enforced."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.self_tests.account import assume, policy
from dpra_constructs.rehearsal.server import emulator, is_allowed
from dpra_constructs.rehearsal.stacks import create_stack
from tests.conftest import Synthesized

pytestmark = pytest.mark.rehearsal

TOOLS = Place("111111111111", "us-west-2")
STACK = "FruitApiPipeline"
# Others of the pipeline that work on what is released: by the beginning of their logical ids.
OTHERS = {
    "the pipeline": "PipelineRole",
    "the synth action": "PipelineBuildSynthRole",
    "the build action": "PipelineBuildPackageRole",
    "the unit tests": "PipelineBuildUnitTestsRole",
    "the self-mutation": "PipelineDeploymentUpdatePipelineSelfMutationRole",
    "the build that publishes assets": "PipelineDeploymentAssetsFileRole",
    "the verification": "PipelineVerifyArtifactsRole",
    "the bake": "PipelineBakeRole",
}


@dataclass(frozen=True)
class World:
    """The pipeline's roles and its signing key."""

    endpoint: str
    key: str
    roles: dict[str, str]

    def role(self, beginning: str) -> str:
        """Return the ARN of the one role whose logical id is this and CDK's eight characters."""
        [arn] = [
            arn
            for id, arn in self.roles.items()
            if id.startswith(beginning) and len(id) == len(beginning) + 8
        ]
        return arn

    def sign(self, by: str) -> Any:
        """Sign as a role does."""
        kms = client("kms", self.endpoint, TOOLS, assume(self.endpoint, TOOLS, by))
        return sign(kms, self.key)


def sign(kms: Any, key: str) -> Any:
    return kms.sign(
        KeyId=key,
        Message=b"0" * 32,
        MessageType="DIGEST",
        SigningAlgorithm="ECDSA_SHA_256",
    )


@pytest.fixture(scope="module")
def world(fruit_api: Synthesized) -> Iterator[World]:
    kept = {
        id: {"Type": each["Type"], "Properties": without_description(each["Properties"])}
        for id, each in fruit_api.template["Resources"].items()
        if each["Type"] == "AWS::IAM::Role"
        or (each["Type"] == "AWS::KMS::Key" and "SigningKey" in id)
        or each["Type"] == "AWS::IAM::Policy"
    }
    [key_id] = [id for id, each in kept.items() if each["Type"] == "AWS::KMS::Key"]
    reduced = {"Resources": without_others(kept, set(kept))}
    # CloudFormation takes no more than 51,200 bytes of a template in a request.
    body = json.dumps(reduced, separators=(",", ":"))
    with emulator() as endpoint:
        create_stack(client("cloudformation", endpoint, TOOLS), STACK, body, {})
        cloudformation = client("cloudformation", endpoint, TOOLS)
        physical = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        }
        roles = {
            id: f"arn:aws:iam::{TOOLS.account}:role/{physical[id]}"
            for id, each in kept.items()
            if each["Type"] == "AWS::IAM::Role"
        }
        key = client("kms", endpoint, TOOLS).describe_key(KeyId=physical[key_id])
        yield World(endpoint, key["KeyMetadata"]["Arn"], roles)


def without_description(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in properties.items() if name != "Description"}


def without_others(value: Any, kept: set[str]) -> Any:
    """Write a name in place of what is no part of the reduced template."""
    match value:
        case {"Ref": str(id)} if id not in kept and not id.startswith("AWS::"):
            return f"other-{id}"
        case {"Fn::GetAtt": [str(id), *_]} if id not in kept:
            return f"arn:aws:other:::{id}"
        case dict():
            return {name: without_others(each, kept) for name, each in value.items()}
        case list():
            return [without_others(each, kept) for each in value]
        case _:
            return value


def test_the_role_of_seal_can_sign(world: World) -> None:
    assert world.sign(world.role("PipelineSealRole"))["Signature"]


@pytest.mark.parametrize("beginning", OTHERS.values(), ids=OTHERS)
def test_another_role_of_the_pipeline_cannot_sign(beginning: str, world: World) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        world.sign(world.role(beginning))


def test_no_other_role_may_sign_whatever_it_is_for(world: World) -> None:
    signers = {
        id
        for id, arn in world.roles.items()
        if is_allowed(world.endpoint, arn, "kms:Sign", world.key)
    }
    assert len(world.roles) > 20
    assert signers == {
        id for id, arn in world.roles.items() if arn == world.role("PipelineSealRole")
    }


def test_a_role_that_gives_itself_the_permission_cannot_sign(world: World) -> None:
    """The key's own policy leaves signing to no policy of the account."""
    bake = world.role("PipelineBakeRole")
    iam = client("iam", world.endpoint, TOOLS)
    own = {"RoleName": bake.rpartition("/")[2], "PolicyName": "own"}
    statement = {"Action": "kms:Sign", "Resource": world.key}
    iam.put_role_policy(**own, PolicyDocument=policy(statement))
    with pytest.raises(ClientError, match="AccessDenied"):
        world.sign(bake)
    iam.delete_role_policy(**own)
