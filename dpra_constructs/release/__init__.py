"""How a release is let into production."""

from dpra_constructs.release.manual_approval import ManualApproval

__all__ = ["ManualApproval"]
