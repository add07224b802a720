"""Commits that must not get far."""

from __future__ import annotations

from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene

_TEST = """\
import unittest


class RehearsalFaultTest(unittest.TestCase):
    def test_fault(self):
        self.fail("planted by the rehearsal")
"""
_UNIT_TEST = "tests/unit/test_rehearsal_fault.py"
_INTEGRATION_TEST = "tests/integration/test_rehearsal_fault.py"
_SECRET_FILE = "src/rehearsal_fault.py"
_MEND = "Nothing to repair: commit the correction."


def _planted_secret() -> str:
    # In two parts, so that nobody's scanner finds one here. It opens nothing.
    return "AKIA" + "Z7QXN4RWKJ2PLM3B"


def _stopped_in_build(scene: Scene, file: str, content: str, says: str) -> Outcome:
    with scene.released() as emulation:
        build = scene.stages[1]
        commit = emulation.source.commit_change({file: content}, "Plant a fault")
        record = scene.follow(emulation.api.start())
        failed = [action for action in record.failed if action.stage == build]
        further = [] if failed else [f"nothing in stage {build} failed because of {file}"]
        return Outcome(
            executions=[record],
            versions=scene.versions(),
            expected=scene.expected(),
            status="Failed",
            failing=(build, ""),
            says=says,
            further=[*further, *([] if record.commit == commit.commit else ["another commit ran"])],
            advice=_MEND,
        )


def _failing_unit_test(scene: Scene) -> Outcome:
    return _stopped_in_build(scene, _UNIT_TEST, _TEST, "test_rehearsal_fault")


def _secret(scene: Scene) -> Outcome:
    content = f'ACCESS_KEY = "{_planted_secret()}"\n'
    return _stopped_in_build(scene, _SECRET_FILE, content, "rehearsal_fault")


def _failing_integration_test(scene: Scene) -> Outcome:
    with scene.released() as emulation:
        change = scene.changed_application(emulation.source, "with a failing test")
        commit = emulation.source.commit_change(
            {**change, _INTEGRATION_TEST: _TEST}, "Plant a failing integration test"
        )
        record = scene.follow(emulation.api.start())
        beta = record.failed[0].stage if record.failed else ""
        return Outcome(
            executions=[record],
            versions=scene.versions(),
            expected=scene.expected(new_in=[beta], new=commit.commit),
            status="Failed",
            failing=(beta, "IntegrationTest"),
            says="test_rehearsal_fault",
            further=[] if beta not in scene.waves else ["it reached production"],
            advice="Beta runs the new version, where the failure can be looked at. " + _MEND,
        )


COMMITS = (
    Fault(
        name="failing-unit-test",
        description="a unit test fails: the commit stops in the build stage, nothing is deployed",
        play=_failing_unit_test,
    ),
    Fault(
        name="planted-secret",
        description="a commit has an access key: it stops in the build stage, nothing is deployed",
        play=_secret,
    ),
    Fault(
        name="failing-integration-test",
        description="an integration test fails in beta: gamma and production keep the old version",
        play=_failing_integration_test,
    ),
)
