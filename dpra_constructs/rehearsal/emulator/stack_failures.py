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

    # Both take (type, id, ..., the stack's name); MiniStack passes more to the second.
    def provisioned(*arguments: Any, **more: Any) -> Any:
        _fail(arguments[3])
        return provision(*arguments, **more)

    def updated(*arguments: Any, **more: Any) -> Any:
        _, _, old, new, stack_name = arguments[:5]
        if old != new:
            _fail(stack_name)
        return update(*arguments, **more)

    stacks._provision_resource, stacks._update_resource = provisioned, updated


def _fail(stack_name: str) -> None:
    key = (get_account_id(), get_region(), stack_name)
    if key in _NEXT:
        # Once: what CloudFormation then does to go back succeeds.
        _NEXT.discard(key)
        raise RuntimeError(REASON)
