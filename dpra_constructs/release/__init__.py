"""How a release is let into production, and who hears of it."""

from dpra_constructs.release.approvers import PermissionSet
from dpra_constructs.release.change_calendar import ChangeCalendar
from dpra_constructs.release.chat_channels import SlackChannel, TeamsChannel
from dpra_constructs.release.deployment_window import DeploymentWindow
from dpra_constructs.release.manual_approval import ManualApproval

__all__ = [
    "ChangeCalendar",
    "DeploymentWindow",
    "ManualApproval",
    "PermissionSet",
    "SlackChannel",
    "TeamsChannel",
]
