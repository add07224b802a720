"""The delivery metrics that a rehearsal reads back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.pipeline_api import PipelineApi
from dpra_constructs.rehearsal.published_metrics import read_published_metrics
from tests.runtime.service_models import Modelled, client_error


class Services:
    """CloudWatch, which has values from the third question on, and Lambda."""

    def __init__(self, has_function: bool = True) -> None:
        self.has_function = has_function
        self.asked = 0

    def get_function(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "fruit-DeliveryMetrics"
        if not self.has_function:
            raise client_error("ResourceNotFoundException")
        return {}

    def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
        self.asked += 1
        assert request["Dimensions"] == [{"Name": "Pipeline", "Value": "fruit"}]
        if request["MetricName"] not in ("Deployments", "LeadTime") or self.asked < 8:
            return {"Datapoints": []}
        now = datetime.now(UTC)
        return {
            "Datapoints": [
                {"Timestamp": now, "Maximum": 2.0},
                {"Timestamp": now - timedelta(hours=1), "Maximum": 1.0},
            ]
        }


class Api(PipelineApi):
    """A pipeline whose services are given."""

    services = Services()

    def client(self, service: str = "codepipeline") -> Any:
        return Modelled(service, self.services)


def api(services: Services) -> Api:
    made = Api(name="fruit", place=Place("111111111111", "us-west-2"), endpoint="")
    type(made).services = services
    return made


def test_the_latest_values_are_read_when_they_are_there() -> None:
    assert read_published_metrics(api(Services())) == {"LeadTime": 2.0, "Deployments": 2.0}


def test_a_pipeline_without_the_function_has_none() -> None:
    assert read_published_metrics(api(Services(has_function=False))) is None


def test_nothing_is_waited_for_longer_than_said() -> None:
    services = Services()
    services.asked = -1_000
    assert read_published_metrics(api(services), seconds=0) == {}
