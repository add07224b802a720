"""CodeBuild takes no more than 25,600 characters of a project's own buildspec."""

import json
from typing import Any

from tests.conftest import Synthesized, resources

# "Max buildspec length is 25600", https://github.com/aws/aws-cdk/issues/30326
MOST = 25_600


def test_every_buildspec_of_the_example_is_short_enough(fruit_api: Synthesized) -> None:
    lengths = {
        str(project.get("Name", "")): length(project["Source"]["BuildSpec"])
        for project in resources(fruit_api.template, "AWS::CodeBuild::Project")
        if "BuildSpec" in project["Source"]
    }
    assert "fruit-api-Build-Seal" in lengths
    assert {name: each for name, each in lengths.items() if each > MOST} == {}


def length(buildspec: Any) -> int:
    return len(buildspec if isinstance(buildspec, str) else json.dumps(buildspec))
