"""Synthetic tests: canaries of CloudWatch Synthetics that use what is deployed, on a schedule.

`docs/synthetic-tests.md` shows them.
"""

from dpra_constructs.monitoring.synthetic_tests.api_step import ApiStep
from dpra_constructs.monitoring.synthetic_tests.api_synthetic_test import ApiSyntheticTest
from dpra_constructs.monitoring.synthetic_tests.browser_synthetic_test import BrowserSyntheticTest
from dpra_constructs.monitoring.synthetic_tests.synthetic_test import SyntheticTest

__all__ = ["ApiStep", "ApiSyntheticTest", "BrowserSyntheticTest", "SyntheticTest"]
