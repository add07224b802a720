"""The signing of functions: where it is enforced, who may sign, and what is refused."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dpra_constructs import DeploymentEnvironment, DeploymentTarget, InvalidArgumentError
from dpra_constructs.artifact_integrity import ArtifactSigning, FunctionSigning
from dpra_constructs.code_signing import FunctionSigningProfile
from dpra_constructs.pipeline.deployment_pipeline import DeploymentPipeline
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import ROOT, cfn_lint_rules, resources
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

PROFILE = "arn:aws:signer:us-west-2:111111111111:/signing-profiles/fruit_api/a1B2c3D4e5"
LAYERS = "arn:aws:signer:us-west-2:292779133546:/signing-profiles/Layers/z9Y8x7W6v5"
ELSEWHERE = "arn:aws:signer:eu-west-1:111111111111:/signing-profiles/fruit_api/a1B2c3D4e5"
FOLDER = str(ROOT / "examples" / "smallest")
INLINE = "def handler(*_): ..."


def function(stack: Stack, id: str, code: lambda_.Code | None = None, **arguments: Any) -> None:
    lambda_.Function(
        stack,
        id,
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="application.handler",
        code=code or lambda_.Code.from_asset(FOLDER),
        **arguments,
    )


def asset(stack: Stack) -> None:
    function(stack, "Prices")


def inline(stack: Stack) -> None:
    function(stack, "Hello", lambda_.Code.from_inline(INLINE))


def image(stack: Stack) -> None:
    repository = "111111111111.dkr.ecr.us-west-2.amazonaws.com/fruit@sha256:" + "d" * 64
    lambda_.CfnFunction(
        stack,
        "Image",
        role="arn:aws:iam::333333333333:role/function",
        package_type="Image",
        code=lambda_.CfnFunction.CodeProperty(image_uri=repository),
    )


def made(
    *parts: Callable[[Stack], None],
    gamma_region: str = "us-west-2",
    signing: FunctionSigning | None = None,
) -> DeploymentPipeline:
    class WithFunctions(Fruit):
        def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
            super().__init__(scope, id, target)
            for part in parts:
                part(self.stack)

    stack = tools_stack()
    beta = beta_stage(
        stack,
        build=build_stage(stack, application=WithFunctions),
        environment=DeploymentEnvironment("beta", account=BETA, regions=[gamma_region]),
    )
    gamma = DeploymentEnvironment("gamma", account=GAMMA, regions=[gamma_region])
    return pipeline(
        stack,
        last_stage=gamma_stage(stack, beta=beta, environment=gamma),
        signing=ArtifactSigning(functions=signing or FunctionSigning(profiles=[PROFILE])),
    )


@pytest.fixture(scope="module")
def signed() -> tuple[DeploymentPipeline, dict[str, dict[str, Any]]]:
    """Return a pipeline with all kinds of functions, and its templates by their stacks' names."""
    signing = FunctionSigning(
        profiles=[PROFILE],
        other_publishers=[LAYERS, ELSEWHERE],
        unsigned={"Api/Hello": "a page that has no code of ours"},
    )
    pipeline = made(asset, inline, image, buckets_own_handler, configured, signing=signing)
    assembly = pipeline.node.root.synth()  # type: ignore[attr-defined]
    found = {
        stack.stack_name: stack.template
        for part in (assembly, *(each.nested_assembly for each in assembly.nested_assemblies))
        for stack in part.stacks
    }
    return pipeline, found


def buckets_own_handler(stack: Stack) -> None:
    from aws_cdk import RemovalPolicy
    from aws_cdk import aws_s3 as s3

    s3.Bucket(stack, "Bin", auto_delete_objects=True, removal_policy=RemovalPolicy.DESTROY)


def configured(stack: Stack) -> None:
    arn = f"arn:aws:lambda:us-west-2:{GAMMA}:code-signing-config:csc-0123456789abcdefg"
    own = lambda_.CodeSigningConfig.from_code_signing_config_arn(stack, "OwnSigning", arn)
    function(stack, "Own", code_signing_config=own)


def functions(template: dict[str, Any]) -> dict[str, Any]:
    """Return the code signing configuration of each function, by the beginning of its id."""
    found = {
        name: resource["Properties"].get("CodeSigningConfigArn")
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    ids = ("Prices", "Hello", "Image", "CustomS3AutoDelete", "Own")
    return {id: value for id in ids for name, value in found.items() if name.startswith(id)}


def test_each_function_of_gamma_takes_signed_code_alone(signed: Any) -> None:
    template = signed[1]["fruit-gamma-us-west-2-Api"]
    config = {"Fn::GetAtt": ["FunctionCodeSigning", "CodeSigningConfigArn"]}
    own = functions(template)
    assert own.pop("Own").endswith("csc-0123456789abcdefg")
    # That of the bucket is the CDK's own; an image has no archive, and one is excepted.
    assert own == {"Prices": config, "CustomS3AutoDelete": config, "Hello": None, "Image": None}


def test_the_configuration_of_a_stack_enforces_and_trusts_the_profiles_of_its_region(
    signed: Any,
) -> None:
    [config] = resources(signed[1]["fruit-gamma-us-west-2-Api"], "AWS::Lambda::CodeSigningConfig")
    assert config["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Enforce"}
    assert config["AllowedPublishers"] == {"SigningProfileVersionArns": [PROFILE, LAYERS]}


def test_functions_of_beta_take_any_code(signed: Any) -> None:
    template = signed[1]["fruit-beta-us-west-2-Api"]
    assert not resources(template, "AWS::Lambda::CodeSigningConfig")
    assert functions(template)["Prices"] is None


def test_seal_may_sign_with_that_version_and_below_the_pipelines_own_keys(signed: Any) -> None:
    template = signed[1]["Pipelines"]
    [policy] = [
        each
        for name, resource in template["Resources"].items()
        if name.startswith("PipelineSealRole") and resource["Type"] == "AWS::IAM::Policy"
        for each in [resource["Properties"]["PolicyDocument"]["Statement"]]
    ]
    bucket = "arn:aws:s3:::dpra-signed-functions-111111111111-us-west-2"
    assert [each for each in policy if "signer" in str(each) or bucket in str(each)] == [
        {
            "Effect": "Allow",
            "Action": "signer:StartSigningJob",
            "Resource": PROFILE.rpartition("/")[0],
            "Condition": {"StringEquals": {"signer:ProfileVersion": ["a1B2c3D4e5"]}},
        },
        {
            "Effect": "Allow",
            "Action": "signer:DescribeSigningJob",
            "Resource": "arn:aws:signer:us-west-2:111111111111:/signing-jobs/*",
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            "Resource": [f"{bucket}/{each}/fruit/*" for each in ("unsigned", "jobs", "signed")],
        },
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
    ]


def test_the_project_that_seals_names_the_profile_and_its_command_is_that_of_every_pipeline(
    signed: Any,
) -> None:
    [project] = [
        each
        for each in resources(signed[1]["Pipelines"], "AWS::CodeBuild::Project")
        if each.get("Name") == "fruit-Build-Seal"
    ]
    variables = {
        each["Name"]: each["Value"] for each in project["Environment"]["EnvironmentVariables"]
    }
    assert variables["FUNCTION_PROFILES"] == PROFILE
    command = str(project["Source"]["BuildSpec"])
    # So that turning it on, or another profile, leaves the pipeline's structure as it is.
    assert "${FUNCTION_PROFILES:-}" in command
    assert "signing-profiles" not in command


def test_cdk_nag_finds_nothing_of_it(signed: Any) -> None:
    found = unacknowledged_findings(signed[0])
    assert [each for each in found if "Seal" in each] == []


def test_signing_without_enforcement_changes_no_function() -> None:
    made(inline, signing=FunctionSigning(profiles=[PROFILE], is_enforced=False))


def test_code_in_the_template_is_refused() -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        made(inline)
    assert str(refused.value) == (
        'DeploymentPipeline "Pipeline": function fruit-gamma-us-west-2/Api/Hello has its code in '
        "the template, and AWS Signer signs archives alone; give it aws_lambda.Code.from_asset, or "
        'except it with the reason: FunctionSigning(unsigned={"Api/Hello": "..."})'
    )


def test_a_region_without_a_profile_is_refused() -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        made(asset, gamma_region="eu-central-1")
    assert str(refused.value) == (
        'DeploymentPipeline "Pipeline": function fruit-gamma-eu-central-1/Api/Prices is in '
        "eu-central-1, and signing has profiles of us-west-2; deploy FunctionSigningProfile in "
        "eu-central-1, and name its ARN in FunctionSigning(profiles=[...])"
    )


def test_an_exception_for_no_function_is_refused() -> None:
    signing = FunctionSigning(profiles=[PROFILE], unsigned={"Api/Helo": "a page"})
    with pytest.raises(InvalidArgumentError, match="signing excepts Api/Helo, and no application"):
        made(asset, signing=signing)


def test_a_profile_of_another_account_is_refused() -> None:
    signing = FunctionSigning(profiles=[LAYERS])
    with pytest.raises(InvalidArgumentError, match="and the pipeline's account is 111111111111"):
        made(asset, signing=signing)


def test_the_examples_of_the_document_run() -> None:
    text = (ROOT / "docs" / "function-signing.md").read_text()
    fences = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    for fence in fences:
        exec(fence, names)
    assert len(names["app"].node.children) == len(names["FUNCTIONS"].profiles) == 2


@pytest.fixture(scope="module")
def profile() -> FunctionSigningProfile:
    stack = Stack(App(), "Signing", env=Environment(account=TOOLS, region="us-west-2"))
    return FunctionSigningProfile(stack, "Functions", validity_months=24)


def test_the_profile_and_the_bucket_stay_and_only_what_is_kept_does_not_expire(
    profile: FunctionSigningProfile, tmp_path: Path
) -> None:
    assembly = profile.node.root.synth()  # type: ignore[attr-defined]
    template = assembly.get_stack_by_name("Signing").template
    [made] = resources(template, "AWS::Signer::SigningProfile")
    assert made == {
        "PlatformId": "AWSLambda-SHA384-ECDSA",
        "SignatureValidityPeriod": {"Type": "MONTHS", "Value": 24},
    }
    [bucket] = resources(template, "AWS::S3::Bucket")
    assert bucket["BucketName"] == "dpra-signed-functions-111111111111-us-west-2"
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert [(each["Prefix"], each["ExpirationInDays"]) for each in rules] == [
        ("jobs/", 1),
        ("unsigned/", 1),
    ]
    [policy] = resources(template, "AWS::S3::BucketPolicy")
    assert "aws:SecureTransport" in str(policy)
    kept = [r for r in template["Resources"].values() if r.get("DeletionPolicy") == "Retain"]
    assert {each["Type"] for each in kept} == {"AWS::S3::Bucket", "AWS::Signer::SigningProfile"}
    [output] = template["Outputs"].values()
    assert output["Value"]["Fn::GetAtt"][1] == "ProfileVersionArn"
    assert cfn_lint_rules(Path(assembly.directory)) == set()


def test_cdk_nag_finds_nothing_of_the_profile(profile: FunctionSigningProfile) -> None:
    assert unacknowledged_findings(profile) == []


def test_a_profile_needs_an_account_and_a_region() -> None:
    with pytest.raises(InvalidArgumentError, match="has no concrete account and region"):
        FunctionSigningProfile(Stack(App(), "Signing"), "Functions")


def test_a_signature_is_valid_for_a_month_at_least() -> None:
    stack = Stack(App(), "Signing", env=Environment(account=TOOLS, region="us-west-2"))
    with pytest.raises(InvalidArgumentError, match="validity_months=0"):
        FunctionSigningProfile(stack, "Functions", validity_months=0)
