"""Makes the functions of the release: each runs one module of a package's `runtime`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.dead_letters import DeadLetters
from dpra_constructs.function_code import function_code
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.permissions import (
    Statement,
    acknowledge_permissions,
    allow,
    allowed,
)
from dpra_constructs.pipeline.service_roles import service_role

_CODE = {"release": "ReleaseCode", "artifact_integrity": "ArtifactIntegrityCode"}
# Of the pipelines that exist: to ask an asset of theirs for it again is ten calls of jsii.
_LOCATIONS: WeakKeyDictionary[Construct, dict[str, dict[str, Any]]] = WeakKeyDictionary()
#: What functions of this library run on; by its name, as `lambda_.Runtime` is two calls of jsii.
RUNTIME = "python3.14"


def release_function(
    scope: Construct,
    id: str,
    *,
    pipeline: str,
    module: str,
    description: str,
    permissions: Iterable[Permission],
    logs: EncryptedLogs,
    statements_besides: Sequence[Statement] = (),
    dead_letters: DeadLetters | None = None,
    role_name: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: int = 60,
    memory_mib: int = 128,
    package: str = "release",
) -> lambda_.CfnFunction:
    """Make a function `<pipeline>-<id>` with a role of its own.

    Its code is an asset of the pipeline's stack, published when that is deployed. All functions
    share it: only what this library's next version brings changes it.

    Args:
        scope: where it is made.
        id: the construct's id.
        pipeline: the pipeline's name.
        module: of the package's `runtime`, with a `handler`.
        description: what it does.
        permissions: what its role may do beyond writing its log.
        logs: makes its log group.
        statements_besides: what its role may do with what has no name of its own.
        dead_letters: gets the events that it fails at, where events call it.
        role_name: where others name the role.
        environment: its environment variables.
        timeout_seconds: after which a call ends.
        memory_mib: what a call may use.
        package: of this library, whose `runtime` has the module.
    """
    name = f"{pipeline}-{id}"
    group = logs.of_function(name)
    # A permission that several stages need stands once.
    needed = tuple(dict.fromkeys(permissions))
    role = service_role(
        scope,
        f"{id}Role",
        service="lambda.amazonaws.com",
        role_name=role_name,
        description=description,
        policy="Own",
        statements=[
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], [group.attr_arn]),
            *allowed(scope, needed),
            *statements_besides,
            *([dead_letters.statement] if dead_letters else []),
        ],
    )
    acknowledge_permissions(role, needed)
    return lambda_.CfnFunction(
        scope,
        id,
        function_name=name,
        description=description,
        runtime=RUNTIME,
        architectures=["arm64"],
        handler=f"runtime.{module}.handler",
        code=_code(scope, package),
        role=role.attr_arn,
        environment={"variables": dict(environment)} if environment else None,
        dead_letter_config=dead_letters.of_function if dead_letters else None,
        timeout=timeout_seconds,
        memory_size=memory_mib,
    )


def _code(scope: Construct, package: str) -> dict[str, Any]:
    locations = _LOCATIONS.setdefault(scope, {})
    if package not in locations:
        locations[package] = function_code(scope, _CODE[package], package)
    return locations[package]
