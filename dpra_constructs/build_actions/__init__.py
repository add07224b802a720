"""What runs in the build stage: any tool as a `BuildAction`, and typed actions for common ones."""

from dpra_constructs.build_actions.build_action import BuildAction, Report, ToBuildAction
from dpra_constructs.build_actions.cdk_synth import CdkSynth
from dpra_constructs.build_actions.pytest import Pytest
from dpra_constructs.build_actions.python_build import PythonBuild
from dpra_constructs.build_actions.ruff import Ruff

__all__ = [
    "BuildAction",
    "CdkSynth",
    "Pytest",
    "PythonBuild",
    "Report",
    "Ruff",
    "ToBuildAction",
]
