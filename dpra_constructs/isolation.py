"""Keeps processes away from AWS: nothing of the caller's credentials reaches what is started."""

from __future__ import annotations

import os
from collections.abc import Mapping


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables for a process: those given, without anything that reaches AWS.

    >>> without_aws({"PATH": "/bin", "AWS_PROFILE": "prod"})["PATH"]
    '/bin'
    >>> "AWS_PROFILE" in without_aws({"PATH": "/bin", "AWS_PROFILE": "prod"})
    False
    """
    return {name: value for name, value in environment.items() if name[:4] != "AWS_"} | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_COLOR": "1",
    }
