"""Lets the functions of an application take no code that is not signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aws_cdk import CfnResource, Stack, Stage
from aws_cdk import aws_lambda as lambda_

from dpra_constructs.artifact_integrity import FunctionSigning
from dpra_constructs.errors import InvalidArgumentError

_FUNCTION = "AWS::Lambda::Function"
_ID = "FunctionCodeSigning"


def enforce_signing(where: str, stages: Mapping[str, Stage], signing: FunctionSigning) -> None:
    """Give every function of applications a code signing configuration, one in each stack.

    Functions of images have none, as AWS Lambda knows none for them: an image is deployed by its
    digest. A function that has a configuration of its own keeps it.

    Args:
        where: how messages name the pipeline.
        stages: the applications of gamma and production, by their ids.
        signing: whose signatures are accepted.

    Raises:
        InvalidArgumentError: the code of a function cannot be signed, its region has no profile,
            or a function that is excepted is in no application.
    """
    excepted: set[str] = set()
    for id, stage in stages.items():
        for path, function in _functions(stage):
            if path in signing.unsigned:
                excepted.add(path)
            else:
                _enforce(where, f"{id}/{path}", path, function, signing)
    unknown = sorted(signing.unsigned.keys() - excepted)
    if unknown:
        raise InvalidArgumentError(
            where,
            f"signing excepts {', '.join(unknown)}, and no application of gamma or production has "
            "such a function",
            "write the path below the cdk.Stage, like Api/Prices, or leave it out of unsigned",
        )


def _functions(stage: Stage) -> Iterator[tuple[str, CfnResource]]:
    """Yield the functions, each with the path of its construct below the stage."""
    above = len(stage.node.path) + 1
    for each in stage.node.find_all():
        # The CDK's own custom resources are of no class of Lambda's.
        if isinstance(each, CfnResource) and each.cfn_resource_type == _FUNCTION:
            yield each.node.path[above:].removesuffix("/Resource"), each


def _enforce(
    where: str, shown: str, path: str, function: CfnResource, signing: FunctionSigning
) -> None:
    stack = Stack.of(function)
    given = function._cfn_properties
    code: dict[str, Any] = stack.resolve(given.get("code") or given.get("Code")) or {}
    places = {name.lower() for name in code}
    own = isinstance(function, lambda_.CfnFunction) and function.code_signing_config_arn
    if own or "imageuri" in places:
        return
    if "zipfile" in places:
        raise InvalidArgumentError(
            where,
            f"function {shown} has its code in the template, and AWS Signer signs archives alone",
            "give it aws_lambda.Code.from_asset, or except it with the reason: "
            f'FunctionSigning(unsigned={{"{path}": "..."}})',
        )
    publishers = signing.publishers.get(stack.region)
    if not publishers:
        raise InvalidArgumentError(
            where,
            f"function {shown} is in {stack.region}, and signing has profiles of "
            f"{', '.join(signing.publishers)}",
            f"deploy FunctionSigningProfile in {stack.region}, and name its ARN in "
            "FunctionSigning(profiles=[...])",
        )
    made = stack.node.try_find_child(_ID)
    config = made or lambda_.CfnCodeSigningConfig(
        stack,
        _ID,
        description="Code is signed by the pipeline alone",
        allowed_publishers={"signingProfileVersionArns": list(publishers)},
        code_signing_policies={"untrustedArtifactOnDeployment": "Enforce"},
    )
    assert isinstance(config, lambda_.CfnCodeSigningConfig)
    function.add_property_override("CodeSigningConfigArn", config.attr_code_signing_config_arn)
