"""The signing of functions, from the profile to CloudFormation, with the roles of a pipeline."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

from dpra_constructs import DeploymentEnvironment, DeploymentTarget
from dpra_constructs.artifact_integrity import ArtifactSigning, FunctionSigning
from dpra_constructs.artifact_integrity.runtime.files import Folder
from dpra_constructs.artifact_integrity.runtime.manifest import MANIFEST
from dpra_constructs.artifact_integrity.runtime.published import published_files
from dpra_constructs.artifact_integrity.runtime.seal import seal
from dpra_constructs.artifact_integrity.runtime.signed_functions import (
    FunctionSigner,
    profile_version_of,
)
from dpra_constructs.code_signing import FunctionSigningProfile
from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.self_tests.account import assume, role
from dpra_constructs.rehearsal.server import emulator
from dpra_constructs.rehearsal.stacks import create_stack
from tests.artifact_integrity.sealing import PROVENANCE
from tests.pipelines import (
    BETA,
    GAMMA,
    TOOLS,
    Fruit,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    tools_stack,
)

pytestmark = pytest.mark.rehearsal

REGION = "us-west-2"
HOME, TARGET = Place(TOOLS, REGION), Place(GAMMA, REGION)
ASSETS = f"cdk-hnb659fds-assets-{GAMMA}-{REGION}"


@dataclass(frozen=True)
class World:
    """An emulator in which a profile is deployed, and what the role of `Seal` may do there."""

    endpoint: str
    profile: str
    statements: list[dict[str, Any]]
    key: Any
    folder: Path

    def signer(self, credentials: Any, pipeline: str = "fruit") -> FunctionSigner:
        s3, signer = (
            client(service, self.endpoint, HOME, credentials) for service in ("s3", "signer")
        )
        profile = profile_version_of(self.profile)
        return FunctionSigner(profile, pipeline=pipeline, s3=s3, signer=signer)

    def jobs(self) -> int:
        return len(client("signer", self.endpoint, HOME).list_signing_jobs()["jobs"])

    def sealed(self, name: str, credentials: Any) -> Path:
        """Return the assembly of a pipeline with a function, sealed by a role."""
        root = self.folder / name
        synthesize(root, self.profile)
        seal(root, PROVENANCE, signer=self.key, functions={REGION: self.signer(credentials)})
        return root


class WithFunction(Fruit):
    """An application with a function."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, target)
        folder = Path(__file__).parents[2] / "examples" / "smallest"
        lambda_.Function(
            self.stack,
            "Prices",
            runtime=lambda_.Runtime.PYTHON_3_11,
            handler="application.handler",
            code=lambda_.Code.from_asset(str(folder)),
        )


def synthesize(folder: Path, profile: str) -> dict[str, Any]:
    """Write the assembly of a pipeline that signs functions; return its own template."""
    stack = tools_stack(App(outdir=str(folder)))
    beta = beta_stage(
        stack,
        build=build_stage(stack, application=WithFunction),
        environment=DeploymentEnvironment("beta", account=BETA, regions=[REGION]),
    )
    gamma = DeploymentEnvironment("gamma", account=GAMMA, regions=[REGION])
    made = pipeline(
        stack,
        last_stage=gamma_stage(stack, beta=beta, environment=gamma),
        signing=ArtifactSigning(functions=FunctionSigning(profiles=[profile])),
    )
    made.node.root.synth()  # type: ignore[attr-defined]
    template: dict[str, Any] = json.loads((folder / "Pipelines.template.json").read_text())
    return template


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("signing")
    app = App(outdir=str(folder / "profile"))
    stack = Stack(app, "Signing", env=Environment(account=TOOLS, region=REGION))
    FunctionSigningProfile(stack, "Functions")
    app.synth()
    with emulator() as endpoint:
        for place in (HOME, TARGET):
            name = "/cdk-bootstrap/hnb659fds/version"
            client("ssm", endpoint, place).put_parameter(Name=name, Value="30", Type="String")
        client("s3", endpoint, TARGET).create_bucket(
            Bucket=ASSETS, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        cloudformation = client("cloudformation", endpoint, HOME)
        text = (folder / "profile" / "Signing.template.json").read_text()
        create_stack(cloudformation, "Signing", text)
        [deployed] = cloudformation.describe_stacks(StackName="Signing")["Stacks"]
        [profile] = [each["OutputValue"] for each in deployed["Outputs"]]
        template = synthesize(folder / "pipeline", profile)
        statements = [
            statement
            for id, resource in template["Resources"].items()
            if id.startswith("PipelineSealRoleDefaultPolicy")
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]
            if "dpra-signed-functions" in str(statement) or "signer:" in str(statement)
        ]
        yield World(endpoint, profile, statements, CryptoSigner.generate_ecdsa(), folder)


@pytest.fixture(scope="module")
def seal_role(world: World) -> Any:
    arn = role(world.endpoint, HOME, "seal", *world.statements)
    return assume(world.endpoint, HOME, arn)


@pytest.fixture(scope="module")
def sealed(world: World, seal_role: Any) -> Path:
    return world.sealed("sealed", seal_role)


def deploy(world: World, root: Path, stack: str, unsigned: str = "") -> None:
    """Publish the assets of gamma, and make its stack; with another object as the code."""
    s3 = client("s3", world.endpoint, TARGET)
    for each in published_files(Folder(root), partition="aws"):
        if each.account == GAMMA:
            s3.put_object(Bucket=ASSETS, Key=each.key, Body=(root / each.path).read_bytes())
    [path] = root.glob("assembly-*gamma*/*.template.json")
    template = json.loads(path.read_text())
    [code] = [
        each["Properties"]["Code"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function"
    ]
    code["S3Key"] = unsigned or code["S3Key"]
    create_stack(client("cloudformation", world.endpoint, TARGET), stack, json.dumps(template))


def test_a_second_build_has_the_same_manifest_and_starts_no_job(
    world: World, sealed: Path, seal_role: Any
) -> None:
    before = world.jobs()
    again = world.sealed("again", seal_role)
    assert (again / MANIFEST).read_bytes() == (sealed / MANIFEST).read_bytes()
    assert world.jobs() == before == 1


def test_the_signed_function_is_deployed_to_gamma(world: World, sealed: Path) -> None:
    deploy(world, sealed, "signed")
    functions = client("lambda", world.endpoint, TARGET).list_functions()["Functions"]
    assert [each["FunctionName"].startswith("signed-Prices") for each in functions] == [True]


def test_the_same_function_with_unsigned_code_is_refused_by_gamma(
    world: World, sealed: Path
) -> None:
    s3 = client("s3", world.endpoint, HOME)
    bucket = profile_version_of(world.profile).bucket
    [given] = s3.list_objects_v2(Bucket=bucket, Prefix="unsigned/fruit/")["Contents"]
    body = s3.get_object(Bucket=bucket, Key=given["Key"])["Body"].read()
    client("s3", world.endpoint, TARGET).put_object(Bucket=ASSETS, Key="unsigned.zip", Body=body)
    with pytest.raises(RehearsalError, match="Lambda cannot deploy the function"):
        deploy(world, sealed, "unsigned", "unsigned.zip")


def test_the_role_of_one_pipeline_signs_for_no_other(
    world: World, seal_role: Any, tmp_path: Path
) -> None:
    archive = world.folder / "sealed" / "other.zip"
    archive.write_bytes(b"other")
    signer = world.signer(seal_role, "vegetables")
    with pytest.raises(ValueError, match="AccessDenied"):
        signer.sign(archive, tmp_path / "signed.zip")


@pytest.mark.parametrize("without", ["signer:StartSigningJob", "s3:ListBucket", "s3:GetObject"])
def test_each_permission_is_needed(world: World, tmp_path: Path, without: str) -> None:
    left = [each for each in world.statements if without not in str(each["Action"])]
    assert len(left) == len(world.statements) - 1
    name = f"seal-without-{without.replace(':', '-')}"
    credentials = assume(world.endpoint, HOME, role(world.endpoint, HOME, name, *left))
    archive = tmp_path / "code.zip"
    archive.write_bytes(name.encode())
    with pytest.raises(ValueError, match=r"AccessDenied|not authorized"):
        world.signer(credentials).sign(archive, tmp_path / "signed.zip")


def test_another_version_of_the_profile_may_not_be_used(world: World, tmp_path: Path) -> None:
    text = json.dumps(world.statements).replace(world.profile[-10:], "z9Y8x7W6v5")
    arn = role(world.endpoint, HOME, "seal-of-another-version", *json.loads(text))
    archive = tmp_path / "code.zip"
    archive.write_bytes(b"another version")
    signer = world.signer(assume(world.endpoint, HOME, arn))
    with pytest.raises(ValueError, match="not authorized to perform: signer:StartSigningJob"):
        signer.sign(archive, tmp_path / "signed.zip")
