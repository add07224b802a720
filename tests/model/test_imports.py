"""What can be imported without what."""

import subprocess
import sys

import pytest

_BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
{code}
"""
MODEL = """
from dpra_constructs import DeploymentEnvironment, DeploymentTarget, ManualApproval, Requirement
from dpra_constructs import Wave, errors, requirements
from dpra_constructs.environments import PipelineIdentity
import dpra_constructs.build_actions, dpra_constructs.test_actions, dpra_constructs.source
import dpra_constructs.release, dpra_constructs.pipeline.plan, dpra_constructs.pipeline.definitions
Wave("one-box", ["us-west-2"])
"""
EXTRAS = {"boto3", "botocore", "cdk_nag", "click", "ministack", "pytest", "rich", "syrupy"}
LIBRARY = """
import dpra_constructs, dpra_constructs.testing
for name in dpra_constructs.__all__:
    getattr(dpra_constructs, name)
"""
RUNTIME = """
import dpra_constructs.build_actions.runtime.source_layout
import dpra_constructs.pipeline.runtime.pull_request_report
import dpra_constructs.pipeline.runtime.self_mutation_guard
import dpra_constructs.pipeline.runtime.stage_duration
"""


@pytest.mark.parametrize(
    ("blocked", "code"),
    [
        ({"aws_cdk", "jsii", "constructs"}, MODEL),
        (EXTRAS, LIBRARY),
        ({"aws_cdk", "jsii", "constructs"}, RUNTIME),
        (
            {"aws_cdk", "jsii", "constructs"},
            "import dpra_constructs.rehearsal, dpra_constructs.cli",
        ),
    ],
    ids=["model", "library", "runtime", "readers"],
)
def test_imports_without(blocked: set[str], code: str) -> None:
    program = _BLOCK.format(blocked=blocked, code=code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
