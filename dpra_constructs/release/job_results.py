"""What a function needs that CodePipeline calls by a Lambda invoke action. Pure."""

from __future__ import annotations

from dpra_constructs.build_actions import Permission

#: Lets it say how its job ended.
JOB_RESULTS = Permission(
    actions=["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"],
    resources=["*"],
    reason="Results of CodePipeline's jobs know no resources",
)
