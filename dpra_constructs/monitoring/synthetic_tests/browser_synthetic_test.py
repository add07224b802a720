"""A synthetic test in a browser, by a script of the team."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.build_actions import SecretsManagerSecret
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring.synthetic_tests.base_url import checked_url
from dpra_constructs.monitoring.synthetic_tests.synthetic_test import (
    SyntheticTest,
    check_environment,
    check_target,
    read_run,
)

#: The newest Playwright runtime of CloudWatch Synthetics that this version knows.
BROWSER_RUNTIME = "syn-nodejs-playwright-9.0"
_HANDLER = re.compile(r"(?P<file>([\w-]+/)*[\w-]+)\.[A-Za-z_]\w*")
_SUFFIXES = (".js", ".mjs", ".cjs")
_BASE_URL = "BASE_URL"
_LONGEST_HANDLER = 128


class BrowserSyntheticTest(SyntheticTest):
    """Runs a Playwright script of the team on a schedule (DPRA-GAMMA-SYNTHETICS).

    The script finds the application by the environment variable `BASE_URL`. A run fails when its
    handler throws. Its `alarm` is for `DeploymentHealth`. Screenshots and logs are the script's:
    it must not take any of a page that shows a secret.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id; the canary's name begins with it.
        target: what the pipeline deploys to, as the application got it.
        base_url: where the application is.
        folder: with the script, and with all that it requires besides what the runtime has.
        handler: the script's path below the folder without its suffix, a dot and the function:
            `index.handler` is `handler` of index.js, index.mjs or index.cjs.
        environment: further variables of the script, which stand in the template.
        secrets: what the script may read from Secrets Manager; each variable holds the name of a
            secret, and the script gets its value when it runs.
        schedule: how often it runs, whole minutes, 1 to 60; every five minutes without it.
        timeout: after how long a run is given up, whole seconds, 3 to 840, and not longer than
            `schedule`, which it is without it.
        memory_mib: a multiple of 64 from 960 to 3008.
        runtime: a Playwright runtime of CloudWatch Synthetics.

    Raises:
        InvalidArgumentError: an argument is not one of those, the script is not there, or the
            stack is not in the target's account and region.

    Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Synthetics_WritingCanary_Nodejs_Playwright.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        base_url: str,
        folder: str,
        handler: str = "index.handler",
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, SecretsManagerSecret] | None = None,
        schedule: Duration | None = None,
        timeout: Duration | None = None,
        memory_mib: int = 1536,
        runtime: str = BROWSER_RUNTIME,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        check_target(where, scope, target)
        _check_script(where, folder, handler)
        references = _secrets(where, secrets or {})
        variables = {
            **arguments.plain(where, "environment", environment or {}),
            **{name: secret.name for name, secret in references.items()},
        }
        if twice := sorted(({_BASE_URL} | set(references)) & set(environment or {})):
            raise InvalidArgumentError(
                where,
                f"environment has {', '.join(twice)}, which is set already",
                "give it another name",
            )
        url = checked_url(where, base_url, has_secrets=bool(references))
        check_environment(where, variables)
        run = read_run(
            where,
            schedule=Duration.minutes(5) if schedule is None else schedule,
            timeout=timeout,
            memory_mib=memory_mib,
            runtime=runtime,
            family="syn-nodejs-playwright-",
        )
        super().__init__(
            scope,
            id,
            target=target,
            run=run,
            code=folder,
            handler=handler,
            environment={_BASE_URL: url, **variables},
            secrets=references.values(),
        )


def _check_script(where: str, folder: object, handler: object) -> None:
    path = Path(arguments.text(where, "folder", folder))
    if not path.is_dir():
        raise InvalidArgumentError(
            where,
            f"folder={arguments.shown(folder)} is not a folder",
            "name the folder that has the script",
        )
    found = _HANDLER.fullmatch(handler) if isinstance(handler, str) else None
    if not found or len(str(handler)) > _LONGEST_HANDLER:
        raise InvalidArgumentError(
            where,
            f"handler={arguments.shown(handler)} is not a script's path, a dot and a function",
            'write it like handler="index.handler"',
        )
    if not any((path / f"{found['file']}{suffix}").is_file() for suffix in _SUFFIXES):
        raise InvalidArgumentError(
            where,
            f"handler={handler!r} is of {found['file']}.js, .mjs or .cjs, and the folder has none",
            "name the script that is there",
        )


def _secrets(where: str, given: object) -> Mapping[str, SecretsManagerSecret]:
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(
            where,
            f"secrets is of type {type(given).__name__}, and a mapping of variables to secrets is "
            "needed",
            'write it like secrets={"LOGIN": SecretsManagerSecret("fruit/login")}',
        )
    arguments.variables(where, "secrets", dict.fromkeys(given, ""))
    for name, value in given.items():
        if not isinstance(value, SecretsManagerSecret):
            # Not repeated: it may be the secret.
            raise InvalidArgumentError(
                where,
                f"secrets[{name!r}] is of type {type(value).__name__}, and a reference to a "
                "secret is needed",
                f'write secrets={{"{name}": SecretsManagerSecret("fruit/login")}}',
            )
    return dict(given)
