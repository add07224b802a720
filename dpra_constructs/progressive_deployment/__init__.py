"""What teams put into their own stacks so that a region gets a new version a part at a time."""

from dpra_constructs.progressive_deployment.appspec import check_appspec
from dpra_constructs.progressive_deployment.feature_flags import FeatureFlags
from dpra_constructs.progressive_deployment.flag import Flag
from dpra_constructs.progressive_deployment.progressive_function import ProgressiveFunction
from dpra_constructs.progressive_deployment.progressive_service import ProgressiveService
from dpra_constructs.progressive_deployment.server_deployment import ServerDeployment
from dpra_constructs.progressive_deployment.traffic_shift import ShiftKind, TrafficShift

__all__ = [
    "FeatureFlags",
    "Flag",
    "ProgressiveFunction",
    "ProgressiveService",
    "ServerDeployment",
    "ShiftKind",
    "TrafficShift",
    "check_appspec",
]
