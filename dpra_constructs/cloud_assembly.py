"""Reads the stacks of a cloud assembly (`cdk.out`) and of those nested in it.

Source: https://docs.aws.amazon.com/cdk/v2/guide/deploy.html#deploy-how-synth
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpra_constructs.errors import DpraError

_ENVIRONMENT = re.compile(r"aws://(\d{12})/([a-z0-9-]+)")


class AssemblyError(DpraError):
    """A folder is no cloud assembly, or not with what is looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssembledStack:
    """A stack: its construct path and name, where it is deployed, and its template's file.

    Args:
        environment: as the assembly says, like `aws://111111111111/eu-central-1`.
        account: empty where the app does not say which.
        region: empty where the app does not say which.
    """

    path: str
    name: str
    environment: str
    account: str
    region: str
    template_file: Path

    def template(self) -> dict[str, Any]:
        """Read the template."""
        template: dict[str, Any] = json.loads(self.template_file.read_text("utf-8"))
        return template


def assembled_stacks(folder: Path) -> Iterator[AssembledStack]:
    """Yield the stacks in the order of the manifests.

    Raises:
        AssemblyError: the folder is no cloud assembly.
    """
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise AssemblyError(f"{folder} is no cloud assembly: it has no manifest.json")
    for id, artifact in json.loads(manifest.read_text("utf-8")).get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        match artifact["type"]:
            case "cdk:cloud-assembly":
                yield from assembled_stacks(folder / properties["directoryName"])
            case "aws:cloudformation:stack":
                environment = artifact.get("environment", "")
                concrete = _ENVIRONMENT.fullmatch(environment)
                account, region = concrete.groups() if concrete else ("", "")
                yield AssembledStack(
                    path=artifact.get("hierarchicalId") or artifact.get("displayName") or id,
                    name=properties.get("stackName", id),
                    environment=environment,
                    account=account,
                    region=region,
                    template_file=folder / properties.get("templateFile", ""),
                )
