"""A synthetic test of an HTTP API, without code of the team."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import Duration
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring.synthetic_tests.api_step import ApiStep
from dpra_constructs.monitoring.synthetic_tests.base_url import checked_url
from dpra_constructs.monitoring.synthetic_tests.synthetic_test import (
    SyntheticTest,
    check_target,
    read_run,
)

#: The newest Python runtime of CloudWatch Synthetics that this version knows.
API_RUNTIME = "syn-python-selenium-14.0"
_CODE = Path(__file__).parents[1] / "runtime" / "api_canary.py"
_MOST_STEPS = 50


class ApiSyntheticTest(SyntheticTest):
    """Sends requests to an API on a schedule, and checks the answers (DPRA-GAMMA-SYNTHETICS).

    All steps run, one after the other; a run fails when one of them does. Its `alarm` is for
    `DeploymentHealth`. What is logged of a step is its name, status, latency and what is wrong:
    no address, header or body.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id; the canary's name begins with it.
        target: what the pipeline deploys to, as the application got it.
        base_url: what the steps' paths are put behind, like the endpoint of an API.
        steps: 1 to 50 `ApiStep`.
        schedule: how often it runs, whole minutes, 1 to 60; each minute without it.
        timeout: after how long a run is given up, whole seconds, 3 to 840, and not longer than
            `schedule`, which it is without it.
        memory_mib: a multiple of 64 from 960 to 3008.
        runtime: a Python runtime of CloudWatch Synthetics.

    Raises:
        InvalidArgumentError: an argument is not one of those, or the stack is not in the target's
            account and region.

    >>> from aws_cdk import App, Stack
    >>> from dpra_constructs import DeploymentTarget
    >>> from dpra_constructs.environments import PipelineIdentity
    >>> target = DeploymentTarget(
    ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    ...     environment="prod", account="444444444444", region="us-west-2",
    ...     configuration={}, is_production=True)
    >>> test = ApiSyntheticTest(
    ...     Stack(App(), "Api", env=target.env), "Prices", target=target,
    ...     base_url="https://api.acme.example", steps=[ApiStep("List", path="/fruits")])
    >>> test.alarm.definition.says
    'The synthetic test fails'

    Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Synthetics_Canaries.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        base_url: str,
        steps: Iterable[ApiStep],
        schedule: Duration | None = None,
        timeout: Duration | None = None,
        memory_mib: int = 960,
        runtime: str = API_RUNTIME,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        check_target(where, scope, target)
        checked = _steps(where, steps)
        secrets = [secret for step in checked for secret in step.secret_headers.values()]
        url = checked_url(where, base_url, has_secrets=bool(secrets))
        run = read_run(
            where,
            schedule=schedule,
            timeout=timeout,
            memory_mib=memory_mib,
            runtime=runtime,
            family="syn-python-",
        )
        with TemporaryDirectory() as folder:
            # Where the Python runtimes look for it.
            code = Path(folder) / "python"
            code.mkdir()
            shutil.copyfile(_CODE, code / _CODE.name)
            requests = json.dumps([step.request for step in checked], indent=1, sort_keys=True)
            (code / "steps.json").write_text(requests, encoding="utf-8")
            super().__init__(
                scope,
                id,
                target=target,
                run=run,
                code=folder,
                handler=f"{_CODE.stem}.handler",
                environment={"BASE_URL": url},
                secrets=secrets,
            )


def _steps(where: str, given: object) -> tuple[ApiStep, ...]:
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise InvalidArgumentError(
            where,
            f"steps={arguments.shown(given)} is no sequence of steps",
            'write it like steps=[ApiStep("List", path="/fruits")]',
        )
    steps = tuple(given)
    for step in steps:
        arguments.instance(where, "steps", step, ApiStep, '[ApiStep("List", path="/fruits")]')
    if not 1 <= len(steps) <= _MOST_STEPS:
        raise InvalidArgumentError(
            where,
            f"steps has {len(steps)}, and a synthetic test takes 1 to {_MOST_STEPS}",
            "spread them over several tests" if steps else "give it one",
        )
    arguments.unique(where, "steps", [step.name for step in steps])
    return steps
