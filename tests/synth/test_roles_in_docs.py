"""The table of roles in docs/accounts.md has every role, and none that is gone."""

import re
from typing import Any

import pytest
from constructs import Construct

from dpra_constructs import ChangeCalendar, DeploymentTarget, DeploymentWindow, ManualApproval
from dpra_constructs.monitoring import DeploymentHealth
from tests.conftest import ROOT, Synthesized
from tests.pipelines import (
    GAMMA,
    REGIONS,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    prod_waves,
    template_of,
    tools_stack,
)
from tests.synth.test_database_migrations import Stored, migration
from tests.synth.test_fault_injection import FAULT, experiment

_ROW = re.compile(r"\| `(?P<id>[A-Za-z*]+)` \| (?P<by>[^|]+) \| (?P<may>[^|]+) \|")


# How the names end of the roles that an environment's roles trust, and their rows here.
_CALLER = re.compile(r"-(bake|migrate|inject)'")
_CALLERS = {
    "bake": "PipelineBakeRole",
    "migrate": "PipelineRole*migrate",
    "inject": "PipelineRole*inject",
}


class Whole(Stored):
    """An application with a database that is migrated, and an experiment."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, target)
        experiment(self.stack, target=target, health=DeploymentHealth.of(self))


def rows() -> dict[str, str]:
    """Return who assumes a role, by the pattern of its logical id."""
    text = (ROOT / "docs" / "accounts.md").read_text()
    section = text.split("## Roles\n")[1].split("\n## ")[0]
    found = {row["id"]: row["by"].strip() for row in _ROW.finditer(section)}
    assert len(found) == section.count("\n| `")
    return found


def roles(template: dict[str, Any]) -> dict[str, str]:
    """Return who assumes each role, by its logical id without the hash."""
    return {
        re.sub(r"[0-9A-F]{8}$", "", name): assumed_by(resource["Properties"])
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
    }


def assumed_by(properties: dict[str, Any]) -> str:
    [statement] = properties["AssumeRolePolicyDocument"]["Statement"]
    match statement["Principal"]:
        case {"Service": str() as service}:
            return service.removesuffix(".amazonaws.com")
        case {"AWS": {"Fn::GetAtt": [name, "Arn"]}} if str(name).startswith("PipelineRole"):
            return "PipelineRole"
        # The account, narrowed by a condition to one of its roles.
        case {"AWS": _} if found := _CALLER.search(str(statement.get("Condition"))):
            return _CALLERS[found[1]]
        case other:
            return str(other)


@pytest.fixture(scope="module")
def found(fruit_api: Synthesized) -> dict[str, str]:
    """The roles of the example, of its environments, and of a pipeline with every option."""
    stack = tools_stack()
    build = build_stage(stack, pull_requests=True, application=Whole)
    gamma = gamma_stage(
        stack,
        beta=beta_stage(stack, build=build),
        migrations=[migration()],
        resilience_tests=[FAULT],
    )
    last = prod_waves(
        stack,
        gamma=gamma,
        window=DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin"),
        calendar=ChangeCalendar(["year-end-freeze"]),
        on_bake_failure="roll_back_all",
        approval=ManualApproval(forbid_author=True),
    )
    made = roles(template_of(pipeline(stack, last_stage=last)))
    # Of what the stacks of one target have, those that a construct of this library makes.
    deployed = stack.node.root.synth().stacks_recursively  # type: ignore[attr-defined]
    for each in deployed:
        if each.environment.account == GAMMA and each.environment.region == REGIONS[0]:
            made |= {
                name: by
                for name, by in roles(each.template).items()
                if by.startswith("PipelineRole*")
            }
    for path, template in fruit_api.templates().items():
        in_environment = path.startswith("assembly-")
        for name, by in roles(template).items():
            # The application's own roles are its own.
            if not in_environment or name.startswith("Health"):
                made[name] = by
    return made


def matches(pattern: str, name: str) -> bool:
    return re.fullmatch(pattern.replace("*", "[A-Za-z0-9]*"), name) is not None


def test_each_role_has_a_row_that_says_who_assumes_it(found: dict[str, str]) -> None:
    documented = rows()
    missing = [
        f"| `{name}` | {by} | WHAT IT MAY DO |"
        for name, by in sorted(found.items())
        if not any(matches(each, name) and who == by for each, who in documented.items())
    ]
    assert not missing, "add to the table of docs/accounts.md:\n" + "\n".join(missing)


def test_each_row_is_of_a_role_that_is_made(found: dict[str, str]) -> None:
    gone = [each for each in rows() if not any(matches(each, name) for name in found)]
    assert not gone, f"remove from the table of docs/accounts.md: {gone}"
