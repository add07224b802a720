"""What a cloud assembly is made of, to see that both pipelines have the same."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

_POLICY = "AWS::IAM::Policy"


def resource_types(assembly: Path) -> Counter[str]:
    """Return how many resources of each type all templates have, and actions of each provider.

    A policy that stands in a role counts as one beside it: IAM knows no difference.
    """
    types: Counter[str] = Counter()
    for path in assembly.rglob("*.template.json"):
        for resource in json.loads(path.read_text()).get("Resources", {}).values():
            types[resource["Type"]] += 1
            types.update(_inside(resource["Type"], resource.get("Properties", {})))
    return +types


def _inside(kind: str, properties: dict[str, Any]) -> Counter[str]:
    if kind == "AWS::IAM::Role":
        return Counter({_POLICY: len(properties.get("Policies", ()))})
    if kind == "AWS::CodePipeline::Pipeline":
        return Counter(
            f"action of {action['ActionTypeId']['Provider']}"
            for stage in properties["Stages"]
            for action in stage["Actions"]
        )
    return Counter()


def differences(plain: Counter[str], dpra: Counter[str]) -> list[str]:
    """Return in words of which type the two have not the same number."""
    return [
        f"{kind}: {plain[kind]} in plain_pipeline, {dpra[kind]} in dpra_pipeline"
        for kind in sorted(plain.keys() | dpra.keys())
        if plain[kind] != dpra[kind]
    ]
