"""One dashboard for the delivery metrics of many pipelines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.delivery_metrics.dashboard import fleet_body

_dashboard_name = arguments.matching(
    r"[A-Za-z0-9_-]{1,255}",
    "the name of a dashboard: 1 to 255 letters, digits, hyphens and underscores",
    "delivery-metrics",
)


class FleetDashboard(Construct):
    """One CloudWatch dashboard of all pipelines that publish delivery metrics in an account.

    It finds them by search, so that a new pipeline comes onto it by itself (DPRA-METRICS).

    Args:
        scope: a stack in the account of the pipelines.
        id: the construct's id.
        name: the dashboard's name, once in an account: letters, digits, hyphens, underscores.
        regions: where the pipelines are; without it the stack's own region.
        shown_days: how much time it shows at first, 1 to 455.

    Raises:
        InvalidArgumentError: an argument is not one of those.

    >>> from aws_cdk import App, Stack
    >>> fleet = FleetDashboard(Stack(App(), "Fleet"), "Fleet", regions=["us-west-2"])
    >>> fleet.dashboard.dashboard_name
    'delivery-metrics'
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str = "delivery-metrics",
        regions: Sequence[str] | None = None,
        shown_days: int = 90,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        _dashboard_name(where, "name", name)
        wanted: tuple[str, ...] = ()
        if regions is not None:
            wanted = arguments.regions(where, arguments.some_texts(where, "regions", regions))
        days = arguments.count(1, 455)(where, "shown_days", shown_days)
        super().__init__(scope, id)
        body = fleet_body(regions=wanted or [Stack.of(self).region], window_days=days)
        self.dashboard = cloudwatch.CfnDashboard(
            self, "Dashboard", dashboard_name=name, dashboard_body=json.dumps(body)
        )
