"""What of the release and its tests can be imported without what."""

import pytest

from tests.model.test_imports import test_imports_without as imports_without

PURE = """
import dpra_constructs.release.bake_action, dpra_constructs.release.change_calendar
import dpra_constructs.release.approvers, dpra_constructs.release.deployment_window
import dpra_constructs.release.stage_conditions, dpra_constructs.release.stage_condition_problems
import dpra_constructs.test_actions
"""
RUNTIME = """
from dpra_constructs.release.runtime import bake, change_calendar, names
from dpra_constructs.release.runtime import roll_back_all, stop_the_line
from dpra_constructs.test_actions.runtime import load_thresholds
"""


@pytest.mark.parametrize("code", [PURE, RUNTIME], ids=["pure", "runtime"])
def test_neither_the_cdk_nor_boto3_is_needed(code: str) -> None:
    imports_without({"aws_cdk", "jsii", "constructs", "boto3", "botocore"}, code)
