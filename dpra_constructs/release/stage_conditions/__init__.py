"""Conditions of pipeline stages: what has to hold to enter one, or after it.

CodePipeline takes at most one condition of each kind for a stage, with up to five rules that all
have to hold. Pipelines of type V2 alone have them. Pure; `properties` are those of CloudFormation.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works-conditions.html
"""

from dpra_constructs.release.stage_conditions.cloud_watch_alarm import CloudWatchAlarm
from dpra_constructs.release.stage_conditions.code_build import CodeBuild
from dpra_constructs.release.stage_conditions.commands import Commands
from dpra_constructs.release.stage_conditions.lambda_invoke import LambdaInvoke
from dpra_constructs.release.stage_conditions.open_window import OpenWindow
from dpra_constructs.release.stage_conditions.rule import Rule
from dpra_constructs.release.stage_conditions.stage_condition import (
    EntryCondition,
    FailureCondition,
    StageCondition,
    SuccessCondition,
)
from dpra_constructs.release.stage_conditions.variable_check import VariableCheck

__all__ = [
    "CloudWatchAlarm",
    "CodeBuild",
    "Commands",
    "EntryCondition",
    "FailureCondition",
    "LambdaInvoke",
    "OpenWindow",
    "Rule",
    "StageCondition",
    "SuccessCondition",
    "VariableCheck",
]
