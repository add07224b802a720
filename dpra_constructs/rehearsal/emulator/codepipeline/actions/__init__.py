"""The types of actions that a rehearsal runs; a further one is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from dpra_constructs.rehearsal.emulator.codepipeline.actions import (
    cloudformation,
    codebuild,
    lambda_invoke,
    manual_approval,
    s3,
    source,
)
from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import ActionType

#: By owner, category and provider.
ACTION_TYPES: Mapping[tuple[str, str, str], ActionType] = {
    ("AWS", "Source", "CodeStarSourceConnection"): source.CONNECTION,
    ("AWS", "Source", "CodeCommit"): source.CODECOMMIT,
    ("AWS", "Source", "S3"): source.S3,
    ("AWS", "Build", "CodeBuild"): codebuild.CODEBUILD,
    ("AWS", "Test", "CodeBuild"): codebuild.CODEBUILD,
    ("AWS", "Deploy", "CloudFormation"): cloudformation.CLOUDFORMATION,
    ("AWS", "Invoke", "Lambda"): lambda_invoke.LAMBDA,
    ("AWS", "Approval", "Manual"): manual_approval.MANUAL,
    ("AWS", "Deploy", "S3"): s3.S3,
}
