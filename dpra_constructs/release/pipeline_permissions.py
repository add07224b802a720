"""What the functions of a pipeline may ask of it, and tell it. Pure."""

from __future__ import annotations

from dpra_constructs.build_actions import Permission

#: Lets a function that an action calls say how its job ended.
JOB_RESULTS = Permission(
    actions=["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"],
    resources=["*"],
    reason="Results of CodePipeline's jobs know no resources",
)
#: What `release/runtime/execution_facts.py` reads: what a message says of an execution.
EXECUTION_FACTS = (
    "codepipeline:GetPipelineExecution",
    "codepipeline:GetPipelineState",
    "codepipeline:ListActionExecutions",
)


def resource_of(pipeline: str) -> str:
    """Return the ARN of a pipeline, for `Permission.resources`.

    >>> resource_of("fruit")
    'arn:{partition}:codepipeline:{region}:{account}:fruit'
    """
    return f"arn:{{partition}}:codepipeline:{{region}}:{{account}}:{pipeline}"
