"""Lets the next deployment of a stack fail, as a region may fail for one release."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import stacks

#: What the failing resource says.
REASON = "made to fail by the rehearsal"

_NEXT: set[tuple[str, str, str]] = set()


def fail_next(account: str, region: str, stack: str) -> None:
    """Let the first resource fail that the stack's next operation changes."""
    _NEXT.add((account, region, stack))


def register() -> None:
    """Look at each resource that CloudFormation creates or updates."""
    provision, update = stacks._provision_resource, stacks._update_resource

    def provisioned(resource_type: str, logical_id: str, props: Any, stack_name: str) -> Any:
        _fail(stack_name)
        return provision(resource_type, logical_id, props, stack_name)

    def updated(
        resource_type: str, physical_id: str, old: Any, new: Any, stack_name: str, *more: Any
    ) -> Any:
        if old != new:
            _fail(stack_name)
        return update(resource_type, physical_id, old, new, stack_name, *more)

    stacks._provision_resource, stacks._update_resource = provisioned, updated


def _fail(stack_name: str) -> None:
    key = (get_account_id(), get_region(), stack_name)
    if key in _NEXT:
        # Once: what CloudFormation then does to go back succeeds.
        _NEXT.discard(key)
        raise RuntimeError(REASON)
