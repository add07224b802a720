"""Monitors outside CloudWatch that a bake watches beside the health alarms."""

from dpra_constructs.release.health_sources.datadog_monitor import DatadogMonitor
from dpra_constructs.release.health_sources.dynatrace_problems import DynatraceProblems
from dpra_constructs.release.health_sources.health_source import HealthSource
from dpra_constructs.release.health_sources.http_health import HttpHealth

__all__ = ["DatadogMonitor", "DynatraceProblems", "HealthSource", "HttpHealth"]
