"""How executions go from stage to stage."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.codepipeline.small import (
    Pipeline,
    Template,
    action,
    approval,
    commit,
    publish,
    source,
    stage,
    template,
    wait_for,
)

Deploy = Callable[[Template], Pipeline]


def test_a_commit_is_deployed(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", publish())))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded"
    assert pipeline.published() == {"index.html": "one"}
    execution = pipeline.execution(execution_id)
    [revision] = execution["artifactRevisions"]
    assert revision["name"] == "Code"
    assert (
        pipeline.run(execution_id, "Take")["output"]["outputVariables"]["CommitId"]
        == (revision["revisionId"])
    )
