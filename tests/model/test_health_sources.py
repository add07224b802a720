# mypy: disable-error-code="arg-type"
"""Health sources as values: what the bake's function is told of them, and what is refused."""

import json
from collections.abc import Callable

import pytest
from aws_cdk import Duration

from dpra_constructs import InvalidArgumentError, Wave
from dpra_constructs.build_actions import SecretsManagerSecret, SecureParameter
from dpra_constructs.release.health_sources import (
    DatadogMonitor,
    DynatraceProblems,
    HealthSource,
    HttpHealth,
)
from dpra_constructs.release.runtime.health_sources import sources_of

KEY = "arn:aws:kms:us-west-2:111111111111:key/1a2b"
API = SecretsManagerSecret("acme/datadog", json_key="api", kms_key_arn=KEY)
APP = SecretsManagerSecret("acme/datadog", json_key="app")
DATADOG = DatadogMonitor(42, api_key=API, application_key=APP)
DYNATRACE = DynatraceProblems(
    "https://abc12345.live.dynatrace.com/",
    api_token=SecretsManagerSecret("acme/dynatrace"),
    entity_selector='tag("app:fruit")',
)
HTTP = HttpHealth("https://health.acme.example/x?team=fruit", token=SecretsManagerSecret("h"))


def test_the_function_reads_what_the_values_say() -> None:
    told = json.dumps({"Gamma": [each.told for each in (DATADOG, DYNATRACE, HTTP)]})
    assert list(sources_of(told, "Gamma")) == [
        {
            "kind": "datadog",
            "name": "DatadogMonitor",
            "secrets": {
                "api_key": ["acme/datadog", "api"],
                "application_key": ["acme/datadog", "app"],
            },
            "url": "https://api.datadoghq.com",
            "monitor": 42,
            "page": "https://app.datadoghq.com/monitors/42",
        },
        {
            "kind": "dynatrace",
            "name": "DynatraceProblems",
            "secrets": {"api_token": ["acme/dynatrace", None]},
            "url": "https://abc12345.live.dynatrace.com",
            "page": "https://abc12345.live.dynatrace.com/#problems",
            "entity_selector": 'tag("app:fruit")',
        },
        {
            "kind": "http",
            "name": "HttpHealth",
            "secrets": {"token": ["h", None]},
            "url": "https://health.acme.example/x?team=fruit",
            "page": "https://health.acme.example/x?team=fruit",
        },
    ]


def test_what_is_optional_is_told_too() -> None:
    monitor = DatadogMonitor(
        7, api_key=API, application_key=APP, site="us5.datadoghq.com", group="region:us-west-2"
    )
    assert monitor.told["group"] == "region:us-west-2"
    assert monitor.told["url"] == "https://api.us5.datadoghq.com"
    assert monitor.page == "https://us5.datadoghq.com/monitors/7"
    problems = DynatraceProblems(
        "https://acme.example/e/1a2b",
        api_token=API,
        entity_selector="type(SERVICE)",
        problem_selector='severityLevel("ERROR")',
        name="Errors",
        settle=Duration.minutes(9),
    )
    assert problems.told["problem_selector"] == 'severityLevel("ERROR")'
    assert (problems.name, problems.settle_minutes) == ("Errors", 9)


def test_the_last_slash_is_left_out_of_an_address_and_not_of_its_query() -> None:
    assert HttpHealth("https://acme.example/x/", token=API).url == "https://acme.example/x"
    address = "https://acme.example?page=/fruit/"
    assert HttpHealth(address, token=API).url == address


def test_it_may_read_its_own_secret_alone() -> None:
    read, decrypt = DATADOG.permissions
    assert read.actions == ("secretsmanager:GetSecretValue",)
    assert read.resources == (
        "arn:{partition}:secretsmanager:{region}:{account}:secret:acme/datadog-??????",
    )
    assert (decrypt.actions, decrypt.resources) == (("kms:Decrypt",), (KEY,))
    assert len(HTTP.permissions) == 1


def wave(sources: object, **arguments: object) -> Wave:
    return Wave("rest", ["us-west-2"], health_sources=sources, **arguments)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a monitor that is no number": (
        lambda: DatadogMonitor("42", api_key=API, application_key=APP),
        "DatadogMonitor \"DatadogMonitor\": monitor_id='42' is not a whole number from 1 to "
        "9007199254740992",
    ),
    "an unknown site": (
        lambda: DatadogMonitor(1, api_key=API, application_key=APP, site="datadog.com"),
        "site='datadog.com' is not one of ap1.datadoghq.com, ",
    ),
    "a group of spaces": (
        lambda: DatadogMonitor(1, api_key=API, application_key=APP, group=" "),
        "group=' ' is not a text that says something",
    ),
    "a plain key": (
        lambda: DatadogMonitor(1, api_key="abc", application_key=APP),
        "api_key is a plain value of type str, which would stand in the template",
    ),
    "a key in a parameter": (
        lambda: DatadogMonitor(1, api_key=API, application_key=SecureParameter("/acme/key")),
        "application_key is a parameter, and a secret of Secrets Manager is needed; write it like "
        'application_key=SecretsManagerSecret("acme/monitoring", json_key="token")',
    ),
    "a name with a space": (
        lambda: HttpHealth("https://acme.example", token=API, name="a b"),
        "HttpHealth \"a b\": name='a b' is not a valid name",
    ),
    "a settle that is too short": (
        lambda: HttpHealth("https://acme.example", token=API, settle=Duration.minutes(4)),
        "settle=4 minutes is not between 5 and 1380 minutes",
    ),
    "plain http": (
        lambda: HttpHealth("http://acme.example", token=API),
        "url='http://acme.example' is not an address that begins with https://, without user "
        'and spaces; write it like url="https://health.acme.example/fruit"',
    ),
    "credentials in an address": (
        lambda: HttpHealth("https://me:hunter2@acme.example", token=API),
        "url holds credentials, which would stand in the template; write it like",
    ),
    "a fragment of an address": (
        lambda: HttpHealth("https://acme.example/x?a=b#c", token=API),
        "url='https://acme.example/x?a=b#c' is not an address that begins with https://",
    ),
    "the address of an environment with a query": (
        lambda: DynatraceProblems("https://a.example/?a=b", api_token=API, entity_selector="x"),
        "environment_url='https://a.example/?a=b' is not an address that begins with https://, "
        "without user, query and spaces",
    ),
    "an address with a space": (
        lambda: HttpHealth("https://acme.example/a b", token=API),
        "url='https://acme.example/a b' is not an address that begins with https://",
    ),
    "an address with a wrong port": (
        lambda: HttpHealth("https://acme.example:x", token=API),
        "url='https://acme.example:x' is not an address that begins with https://",
    ),
    "an address without a host": (
        lambda: HttpHealth("https:///health", token=API),
        "url='https:///health' is not an address that begins with https://",
    ),
    "the address of the API": (
        lambda: DynatraceProblems(
            "https://a.live.dynatrace.com/api/v2", api_token=API, entity_selector="x"
        ),
        "environment_url='https://a.live.dynatrace.com/api/v2' is more than the environment's "
        'address; write it like environment_url="https://abc12345.live.dynatrace.com"',
    ),
    "no entities": (
        lambda: DynatraceProblems("https://a.example", api_token=API, entity_selector=""),
        "entity_selector='' is not a text that says something",
    ),
    "problems with a status": (
        lambda: DynatraceProblems(
            "https://a.example",
            api_token=API,
            entity_selector="x",
            problem_selector='status("closed")',
        ),
        "has a status, and the bake asks for open and for new problems by itself; leave the status "
        "out",
    ),
    "no sequence": (
        lambda: wave(DATADOG, bake=Duration.minutes(30)),
        'Wave "rest": health_sources=DatadogMonitor(',
    ),
    "something else in it": (
        lambda: wave(["datadog"], bake=Duration.minutes(30)),
        "health_sources='datadog' is of type str, and HealthSource is needed; write it like "
        "health_sources=[DatadogMonitor(1234, api_key=..., application_key=...)]",
    ),
    "two of one name": (
        lambda: wave([DATADOG, DATADOG], bake=Duration.minutes(30)),
        "the names of health_sources has DatadogMonitor more than once",
    ),
    "too many": (
        lambda: wave(
            [HttpHealth("https://a.example", token=API, name=f"H{n}") for n in range(11)],
            bake=Duration.minutes(30),
        ),
        "health_sources has 11, and a bake reads at most 10; join monitors",
    ),
    "no bake": (
        lambda: wave([HTTP]),
        'Wave "rest": health_sources are read by a bake, and there is none; give it a bake',
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        make()
    assert message in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_the_base_is_no_source() -> None:
    with pytest.raises(NotImplementedError):
        HealthSource()
