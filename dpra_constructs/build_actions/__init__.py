"""What runs in the build stage: any tool as a `BuildAction`, and typed actions for common ones."""

from dpra_constructs.build_actions.build_action import BuildAction, Report, ToBuildAction
from dpra_constructs.build_actions.cdk_synth import CdkSynth
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.pytest import Pytest
from dpra_constructs.build_actions.python_build import PythonBuild
from dpra_constructs.build_actions.ruff import Ruff
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, SecureParameter

__all__ = [
    "BuildAction",
    "CdkSynth",
    "CodeBuildProject",
    "Permission",
    "Pytest",
    "PythonBuild",
    "Report",
    "Ruff",
    "SecretsManagerSecret",
    "SecureParameter",
    "ToBuildAction",
]
