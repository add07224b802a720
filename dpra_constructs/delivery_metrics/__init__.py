"""The four delivery metrics: lead time, deploy frequency, MTBF and MTTR (DPRA-METRICS).

The calculations are pure and take executions from anywhere; the constructs publish the metrics of
a pipeline in AWS and show them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dpra_constructs.delivery_metrics.dashboard import PipelineDashboard
from dpra_constructs.delivery_metrics.runtime.calculations import (
    Commit,
    Execution,
    Metrics,
    Point,
    lead_times,
    metrics,
    points,
)
from dpra_constructs.delivery_metrics.runtime.history import HistoryError, from_document, read

if TYPE_CHECKING:
    from dpra_constructs.delivery_metrics.delivery_metrics import DeliveryMetrics
    from dpra_constructs.delivery_metrics.fleet_dashboard import FleetDashboard

__all__ = [
    "Commit",
    "DeliveryMetrics",
    "Execution",
    "FleetDashboard",
    "HistoryError",
    "Metrics",
    "PipelineDashboard",
    "Point",
    "from_document",
    "lead_times",
    "metrics",
    "points",
    "read",
]

# Imported when they are asked for, so that the calculations work without aws_cdk.
_MODULES = {"DeliveryMetrics": "delivery_metrics", "FleetDashboard": "fleet_dashboard"}


def __getattr__(name: str) -> Any:
    """Import a construct."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
