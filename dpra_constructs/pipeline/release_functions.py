"""Makes the functions of the release: each runs one module of `release/runtime`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.permissions import acknowledge_permissions, statements

_FOLDER = Path(__file__).parents[1] / "release"
_CODE = "ReleaseCode"


def release_function(
    scope: Construct,
    id: str,
    *,
    pipeline: str,
    module: str,
    description: str,
    permissions: Iterable[Permission],
    logs: EncryptedLogs,
    statements_besides: Sequence[iam.PolicyStatement] = (),
    role_name: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: int = 60,
    memory_mib: int = 128,
) -> lambda_.CfnFunction:
    """Make a function `<pipeline>-<id>` with a role of its own.

    Its code is an asset of the pipeline's stack, published when that is deployed. All functions
    share it: only what this library's next version brings changes it.

    Args:
        scope: where it is made.
        id: the construct's id.
        pipeline: the pipeline's name.
        module: in `release/runtime`, with a `handler`.
        description: what it does.
        permissions: what its role may do beyond writing its log.
        logs: makes its log group.
        statements_besides: what its role may do with what has no name of its own.
        role_name: where others name the role.
        environment: its environment variables.
        timeout_seconds: after which a call ends.
        memory_mib: what a call may use.
    """
    name = f"{pipeline}-{id}"
    group = logs.of_function(name)
    # A permission that several stages need stands once.
    needed = tuple(dict.fromkeys(permissions))
    role = iam.Role(
        scope,
        f"{id}Role",
        role_name=role_name,
        description=description,
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={
            "Own": iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                        resources=[group.attr_arn],
                    ),
                    *statements(scope, needed),
                    *statements_besides,
                ]
            )
        },
    )
    acknowledge_permissions(role, needed)
    code = _code(scope)
    return lambda_.CfnFunction(
        scope,
        id,
        function_name=name,
        description=description,
        runtime=lambda_.Runtime.PYTHON_3_14.name,
        architectures=["arm64"],
        handler=f"runtime.{module}.handler",
        code=lambda_.CfnFunction.CodeProperty(
            s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key
        ),
        role=role.role_arn,
        environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment))
        if environment
        else None,
        timeout=timeout_seconds,
        memory_size=memory_mib,
    )


def _code(scope: Construct) -> s3_assets.Asset:
    code = scope.node.try_find_child(_CODE)
    if isinstance(code, s3_assets.Asset):
        return code
    return s3_assets.Asset(
        scope,
        _CODE,
        path=str(_FOLDER),
        # Byte code differs from machine to machine, and the asset's name with it.
        exclude=["*", "!runtime", "!runtime/*.py", "**/__pycache__"],
        ignore_mode=IgnoreMode.DOCKER,
    )
