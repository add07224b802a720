"""Finds the outputs of the deployed application that tests ask for by id."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack, Stage

from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.test_actions import DeployedTest


def outputs_by_stack(application: Stage) -> dict[str, dict[str, list[CfnOutput]]]:
    """Return the application's outputs: by the stack's id, by their own id."""
    found: dict[str, dict[str, list[CfnOutput]]] = {}
    # Each name is two calls to the jsii kernel, and a stack has many outputs.
    stack_ids: dict[Stack, str] = {}
    for construct in application.node.find_all():
        if isinstance(construct, CfnOutput):
            stack = Stack.of(construct)
            if stack not in stack_ids:
                stack_ids[stack] = stack.node.id
            by_id = found.setdefault(stack_ids[stack], {})
            by_id.setdefault(construct.node.id, []).append(construct)
    return found


def outputs_for(
    test: DeployedTest, stage_id: str, stacks: Mapping[str, Mapping[str, list[CfnOutput]]]
) -> dict[str, CfnOutput]:
    """Return, for each environment variable of a test, the output that gives its value.

    Raises:
        InvalidArgumentError: no output has the id, or several have.
    """
    return {
        variable: _output(test, variable, wanted, stage_id, stacks)
        for variable, wanted in test.outputs.items()
    }


def _output(
    test: DeployedTest,
    variable: str,
    wanted: str,
    stage_id: str,
    stacks: Mapping[str, Mapping[str, list[CfnOutput]]],
) -> CfnOutput:
    where = f'{type(test).__name__} "{test.name}"'
    stack_id, _, output_id = wanted.rpartition(".")
    matches = [
        (f"{stack}.{output_id}", output)
        for stack, outputs in stacks.items()
        for output in outputs.get(output_id, ())
        if stack_id in ("", stack)
    ]
    if len(matches) == 1:
        return matches[0][1]
    if matches:
        names = sorted({name for name, _ in matches})
        raise InvalidArgumentError(
            where,
            f"outputs[{variable!r}]={wanted!r} is ambiguous in {stage_id}: it stands "
            f"{len(matches)} times, in {', '.join(names)}",
            'name the stack too, like "Stack.Output"'
            if len(names) > 1
            else "give the CfnOutput that you mean an id that no other has",
        )
    known = sorted(f"{stack}.{output}" for stack, outputs in stacks.items() for output in outputs)
    raise InvalidArgumentError(
        where,
        f"outputs[{variable!r}]={wanted!r} is no CfnOutput of {stage_id}, which has "
        f"{', '.join(known) or 'none'}",
        "use one of these ids, or add the CfnOutput to the application",
    )
