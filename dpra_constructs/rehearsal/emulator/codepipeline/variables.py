"""Variables: `#{namespace.name}` in the configuration of an action.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
from dpra_constructs.rehearsal.emulator.codepipeline.state import Execution

_REFERENCE = re.compile(r"#\{([^{}]*)\}")


def resolve(text: str, namespaces: Mapping[str, Mapping[str, str]]) -> str:
    """Replace every reference by the variable's value.

    >>> resolve("at #{Deploy.Url}", {"Deploy": {"Url": "https://example.com"}})
    'at https://example.com'

    Raises:
        ActionFailedError: a namespace or variable does not exist.
    """

    def value(match: re.Match[str]) -> str:
        namespace, _, name = match[1].partition(".")
        try:
            return namespaces[namespace][name]
        except KeyError:
            known = ", ".join(sorted(namespaces.get(namespace, {}))) or "none"
            raise ActionFailedError(
                "ConfigurationError",
                f"the variable {match[0]} is not set; the namespace {namespace!r} has: {known}",
            ) from None

    return _REFERENCE.sub(value, text)


def namespaces(execution: Execution) -> dict[str, dict[str, str]]:
    """Return every variable that an action may refer to."""
    return {
        "codepipeline": {"PipelineExecutionId": execution.id},
        "variables": dict(execution.variables),
        **{name: dict(values) for name, values in execution.namespaces.items()},
    }
