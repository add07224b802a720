"""Ready-made alarms: what shows first that a version is bad, for each kind of resource.

Each function makes the alarms of one resource, which `DeploymentHealth(alarms=[...])` takes
beside a team's own. `docs/alarms.md` lists them.
"""

from dpra_constructs.monitoring.health_alarms.apis import (
    ApiThresholds,
    http_api_alarms,
    rest_api_alarms,
)
from dpra_constructs.monitoring.health_alarms.definition import AlarmDefinition, Measure
from dpra_constructs.monitoring.health_alarms.error_lines import (
    ErrorLineThresholds,
    error_line_alarms,
)
from dpra_constructs.monitoring.health_alarms.functions import FunctionThresholds, function_alarms
from dpra_constructs.monitoring.health_alarms.health_alarm import HealthAlarm
from dpra_constructs.monitoring.health_alarms.load_balancers import (
    LoadBalancerThresholds,
    TargetGroupThresholds,
    load_balancer_alarms,
    target_group_alarms,
)
from dpra_constructs.monitoring.health_alarms.queues import QueueThresholds, queue_alarms
from dpra_constructs.monitoring.health_alarms.services import ServiceThresholds, service_alarms
from dpra_constructs.monitoring.health_alarms.tables import TableThresholds, table_alarms

__all__ = [
    "AlarmDefinition",
    "ApiThresholds",
    "ErrorLineThresholds",
    "FunctionThresholds",
    "HealthAlarm",
    "LoadBalancerThresholds",
    "Measure",
    "QueueThresholds",
    "ServiceThresholds",
    "TableThresholds",
    "TargetGroupThresholds",
    "error_line_alarms",
    "function_alarms",
    "http_api_alarms",
    "load_balancer_alarms",
    "queue_alarms",
    "rest_api_alarms",
    "service_alarms",
    "table_alarms",
    "target_group_alarms",
]
