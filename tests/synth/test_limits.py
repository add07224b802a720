"""A pipeline that AWS would not take is refused before it is synthesized."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from dpra_constructs import InvalidArgumentError, Limits
from dpra_constructs.pipeline.limits import characters
from dpra_constructs.pipeline.made_limits import check_made
from dpra_constructs.pipeline.permissions import allow
from dpra_constructs.pipeline.service_roles import service_role
from dpra_constructs.testing import exceeded_limits
from tests.conftest import Synthesized
from tests.pipelines import beta_stage, pipeline, tools_stack


def of_beta(**limits: int) -> Any:
    stack = tools_stack()
    return pipeline(stack, last_stage=beta_stage(stack), limits=Limits(**limits))


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "resources": (
        lambda: of_beta(resources_per_template=20),
        r'DeploymentPipeline "fruit": would have \d\d resources, and 20 is the most; run fewer '
        "tests in each region, as each is a project with a role and a log group, or release the "
        "application's parts by several pipelines",
    ),
    "roles": (
        lambda: of_beta(roles=3),
        r'DeploymentPipeline "fruit": would have \d+ roles, and 3 is the most; run several tools '
        "in one build action",
    ),
    "event rules": (
        lambda: of_beta(event_rules=1),
        r'DeploymentPipeline "fruit": would have \d event rules, and 1 is the most; release the '
        "application's parts by pipelines in other regions",
    ),
    "policy of a role": (
        lambda: service_role(
            tools_stack(),
            "BakeRole",
            service="lambda.amazonaws.com",
            policy="Own",
            statements=[
                allow(["sts:AssumeRole"], [f"arn:aws:iam::444444444444:role/gate-{n}"])
                for n in range(200)
            ],
        ),
        'role "BakeRole": its policy has about 19,528 characters, and IAM takes 10,240; deploy to '
        "fewer accounts and regions by one pipeline",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(InvalidArgumentError, match=f"^{message}$"):
        make()


def policies_of(size: int) -> Any:
    """Return one policy whose document has so many characters."""
    policy = SimpleNamespace(node=SimpleNamespace(path="Stack/Pipeline/Role/DefaultPolicy"))
    return [(policy, {"Statement": "x" * (size - characters({"Statement": ""}))})]


@pytest.mark.parametrize(("size", "is_refused"), [(70_000, False), (70_001, True)])
def test_a_role_that_needs_more_managed_policies_than_it_takes(size: int, is_refused: bool) -> None:
    if not is_refused:
        check_made("here", [], policies_of(size), Limits())
        return
    with pytest.raises(InvalidArgumentError) as raised:
        check_made("here", [], policies_of(size), Limits())
    assert str(raised.value) == (
        "here: the role Pipeline/Role would have about 70,001 characters of policies and need 11 "
        "managed policies, and a role takes 10; deploy to fewer accounts and regions by one "
        "pipeline, or have the quota raised to up to 20 and say so: "
        "limits=Limits(managed_policies_per_role=20)"
    )
    check_made("here", [], policies_of(size), Limits(managed_policies_per_role=11))


def test_the_example_is_below_every_limit(fruit_api: Synthesized) -> None:
    for template in fruit_api.templates().values():
        assert exceeded_limits(template) == []


def test_of_a_template_that_is_too_large_the_cdk_warns_with_the_numbers() -> None:
    stack = tools_stack()
    made = pipeline(stack, last_stage=beta_stage(stack))
    stack.add_metadata("Large", "x" * 1_000_000)
    assembly = made.node.root.synth()  # type: ignore[attr-defined]
    messages = assembly.get_stack_by_name(stack.stack_name).messages
    [warning] = [str(each.entry.data) for each in messages if "Template size" in each.entry.data]
    assert "Template size exceeds limit: 1" in warning
    assert "suppressTemplateIndentation" in warning
