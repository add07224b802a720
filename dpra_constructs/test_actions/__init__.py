"""What runs against a deployed environment."""

from dpra_constructs.test_actions.deployed_test import AcceptanceTest, DeployedTest, IntegrationTest

__all__ = ["AcceptanceTest", "DeployedTest", "IntegrationTest"]
