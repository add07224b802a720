"""The types of rules of stage conditions; they run as actions do."""

from __future__ import annotations

from collections.abc import Mapping

from dpra_constructs.rehearsal.emulator.codepipeline.actions import codebuild, lambda_invoke
from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import ActionType
from dpra_constructs.rehearsal.emulator.codepipeline.rules import (
    alarm,
    commands,
    deployment_window,
    variable_check,
)

#: By owner, category and provider, as those of actions.
RULE_TYPES: Mapping[tuple[str, str, str], ActionType] = {
    ("AWS", "Rule", "LambdaInvoke"): lambda_invoke.LAMBDA,
    ("AWS", "Rule", "VariableCheck"): variable_check.VARIABLE_CHECK,
    ("AWS", "Rule", "DeploymentWindow"): deployment_window.DEPLOYMENT_WINDOW,
    ("AWS", "Rule", "CloudWatchAlarm"): alarm.CLOUDWATCH_ALARM,
    ("AWS", "Rule", "CodeBuild"): codebuild.CODEBUILD,
    ("AWS", "Rule", "Commands"): commands.COMMANDS,
}
