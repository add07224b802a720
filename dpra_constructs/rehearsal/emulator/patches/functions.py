"""Which Lambda function's processes end when a function changes."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc


def own_workers() -> None:
    """End the processes of the changed function only, not of its namesakes elsewhere."""
    invalidate: Any = lambda_svc.invalidate_worker

    def invalidate_worker(
        func_name: str,
        qualifier: str | None = None,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        invalidate(
            func_name,
            qualifier=qualifier,
            account=account or get_account_id(),
            region=region or get_region(),
        )

    lambda_svc.invalidate_worker = invalidate_worker
