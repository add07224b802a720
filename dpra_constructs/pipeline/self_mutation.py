"""The self-mutation build: pinned tools, and the guard that runs before the update."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from aws_cdk import App, ArnFormat, Duration, Stack, Stage, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam

from dpra_constructs.build_actions import tool_versions
from dpra_constructs.pipeline.definitions import SelfMutation
from dpra_constructs.pipeline.plan import APPROVAL_STAGE, PipelinePlan

_GUARD = Path(__file__).parent / "runtime" / "self_mutation_guard.py"
# The guard waits at most 55 minutes; the rest is for the update itself.
_TIMEOUT_MINUTES = 80


def options(
    stack: Stack,
    plan: PipelinePlan,
    self_mutation: SelfMutation,
    logging: codebuild.LoggingOptions | None,
) -> pipelines.CodeBuildOptions:
    """Return what the self-mutation build has beyond its defaults."""
    if self_mutation is not SelfMutation.GUARDED or not plan.wave_names:
        return pipelines.CodeBuildOptions(logging=logging)
    return pipelines.CodeBuildOptions(
        logging=logging,
        timeout=Duration.minutes(_TIMEOUT_MINUTES),
        partial_build_spec=codebuild.BuildSpec.from_object(
            {
                "version": "0.2",
                "phases": {
                    "pre_build": {
                        "commands": [
                            f"python3 -m pip install --quiet boto3=={tool_versions.BOTO3}",
                            _guard_command(stack, plan),
                        ]
                    }
                },
            }
        ),
        role_policy=[
            iam.PolicyStatement(
                actions=["codepipeline:GetPipelineState", "codepipeline:GetPipelineExecution"],
                resources=[stack.format_arn(service="codepipeline", resource=plan.pipeline.name)],
            ),
            iam.PolicyStatement(
                actions=["cloudformation:GetTemplate"],
                resources=[
                    stack.format_arn(
                        service="cloudformation",
                        resource="stack",
                        # CloudFormation appends a random id to the name.
                        resource_name=f"{stack.stack_name}/*",
                        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
                    )
                ],
            ),
        ],
    )


def _guard_command(stack: Stack, plan: PipelinePlan) -> str:
    arguments = [
        f"--pipeline={plan.pipeline.name}",
        f"--stack={stack.stack_name}",
        f"--template={_template_path(stack)}",
        *([f"--approval={APPROVAL_STAGE}"] if plan.approval else []),
        *(f"--wave={name}" for name in plan.production_names),
    ]
    return f"python3 - {shlex.join(arguments)} <<'GUARD'\n{_GUARD.read_text('utf-8')}GUARD"


def _template_path(stack: Stack) -> str:
    """Return where the pipeline stack's template is in the cloud assembly, seen from its root."""
    stage, app = Stage.of(stack), stack.node.root
    assert stage is not None
    assert isinstance(app, App)
    folder = os.path.relpath(stage.outdir, app.outdir)
    return Path(folder, stack.template_file).as_posix()
