"""What teams put into their own stacks so that the pipeline can see whether they are healthy."""

from dpra_constructs.monitoring.application_logs import ApplicationLogs
from dpra_constructs.monitoring.deployment_health import DeploymentHealth
from dpra_constructs.monitoring.external_health import ExternalHealth
from dpra_constructs.monitoring.health_alarms import (
    AlarmDefinition,
    ApiThresholds,
    ErrorLineThresholds,
    FunctionThresholds,
    HealthAlarm,
    LoadBalancerThresholds,
    Measure,
    QueueThresholds,
    ServiceThresholds,
    TableThresholds,
    TargetGroupThresholds,
    error_line_alarms,
    function_alarms,
    http_api_alarms,
    load_balancer_alarms,
    queue_alarms,
    rest_api_alarms,
    service_alarms,
    table_alarms,
    target_group_alarms,
)
from dpra_constructs.monitoring.synthetic_tests import (
    ApiStep,
    ApiSyntheticTest,
    BrowserSyntheticTest,
    SyntheticTest,
)

__all__ = [
    "AlarmDefinition",
    "ApiStep",
    "ApiSyntheticTest",
    "ApiThresholds",
    "ApplicationLogs",
    "BrowserSyntheticTest",
    "DeploymentHealth",
    "ErrorLineThresholds",
    "ExternalHealth",
    "FunctionThresholds",
    "HealthAlarm",
    "LoadBalancerThresholds",
    "Measure",
    "QueueThresholds",
    "ServiceThresholds",
    "SyntheticTest",
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
