"""What runs against a deployed environment."""

from dpra_constructs.test_actions.build_network import BuildNetwork
from dpra_constructs.test_actions.cucumber import Cucumber
from dpra_constructs.test_actions.cypress import Cypress
from dpra_constructs.test_actions.database_migration import DatabaseMigration
from dpra_constructs.test_actions.deployed_test import (
    AcceptanceTest,
    DeployedTest,
    IntegrationTest,
    ToDeployedTest,
)
from dpra_constructs.test_actions.fault_injection import FaultInjection
from dpra_constructs.test_actions.gatling import Gatling
from dpra_constructs.test_actions.jmeter import JMeter
from dpra_constructs.test_actions.locust import Locust
from dpra_constructs.test_actions.playwright import Playwright
from dpra_constructs.test_actions.selenium import Selenium
from dpra_constructs.test_actions.soap_ui import SoapUi
from dpra_constructs.test_actions.thresholds import Thresholds
from dpra_constructs.test_actions.zap_baseline import ZapBaseline

__all__ = [
    "AcceptanceTest",
    "BuildNetwork",
    "Cucumber",
    "Cypress",
    "DatabaseMigration",
    "DeployedTest",
    "FaultInjection",
    "Gatling",
    "IntegrationTest",
    "JMeter",
    "Locust",
    "Playwright",
    "Selenium",
    "SoapUi",
    "Thresholds",
    "ToDeployedTest",
    "ZapBaseline",
]
