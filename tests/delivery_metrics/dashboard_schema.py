"""CloudWatch's structure of a dashboard's body, as a JSON schema, as far as its page states it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_REGION = {"type": "string", "pattern": "^[a-z]{2}(-[a-z]+)+-[0-9]$"}
_PERIOD = {
    "anyOf": [{"enum": [1, 5, 10, 20, 30]}, {"type": "integer", "minimum": 60, "multipleOf": 60}]
}
_STAT = {"enum": ["Average", "Maximum", "Minimum", "SampleCount", "Sum"]}
_COLOUR = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
_ID = {"type": "string", "pattern": "^[a-z][A-Za-z0-9_]*$"}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


_RENDERING = _object(
    [],
    color=_COLOUR,
    label={"type": "string"},
    period=_PERIOD,
    stat=_STAT,
    visible={"type": "boolean"},
    yAxis={"enum": ["left", "right"]},
    id=_ID,
    region=_REGION,
    accountId={"type": "string"},
)
_EXPRESSION = _object(
    ["expression"],
    expression={"type": "string", "minLength": 1, "maxLength": 2048},
    label={"type": "string"},
    id=_ID,
    color=_COLOUR,
    period=_PERIOD,
    region=_REGION,
    visible={"type": "boolean"},
    yAxis={"enum": ["left", "right"]},
)
# A namespace, a metric, up to 30 pairs of dimensions, and how it is drawn; or an expression.
_METRIC = {
    "anyOf": [
        {"type": "array", "minItems": 1, "maxItems": 1, "items": _EXPRESSION},
        {
            "type": "array",
            "minItems": 2,
            "maxItems": 63,
            "items": {"anyOf": [_TEXT, _RENDERING]},
        },
    ]
}
_AXIS = _object(
    [],
    label={"type": "string"},
    min={"type": "number"},
    max={"type": "number"},
    showUnits={"type": "boolean"},
)
_HORIZONTAL = _object(
    ["value"],
    value={"type": "number"},
    label={"type": "string"},
    color=_COLOUR,
    fill={"enum": ["above", "below", "none"]},
    visible={"type": "boolean"},
    yAxis={"enum": ["left", "right"]},
)
_METRIC_WIDGET = _object(
    ["metrics", "region"],
    metrics={"type": "array", "minItems": 1, "maxItems": 500, "items": _METRIC},
    region=_REGION,
    title={"type": "string"},
    view={"enum": ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"]},
    stat=_STAT,
    period=_PERIOD,
    stacked={"type": "boolean"},
    sparkline={"type": "boolean"},
    liveData={"type": "boolean"},
    setPeriodToTimeRange={"type": "boolean"},
    legend=_object(["position"], position={"enum": ["bottom", "right", "hidden"]}),
    yAxis=_object([], left=_AXIS, right=_AXIS),
    annotations=_object([], horizontal={"type": "array", "items": _HORIZONTAL}),
)
_LOG_WIDGET = _object(
    ["query", "region"],
    query={"type": "string", "pattern": "^SOURCE '"},
    region=_REGION,
    title={"type": "string"},
    view={"enum": ["table", "timeSeries", "bar", "pie"]},
    stacked={"type": "boolean"},
)
_TEXT_WIDGET = _object(["markdown"], markdown=_TEXT, background={"enum": ["solid", "transparent"]})


def _widget(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return _object(
        ["type", "properties"],
        type={"const": kind},
        x={"type": "integer", "minimum": 0, "maximum": 23},
        y={"type": "integer", "minimum": 0},
        width={"type": "integer", "minimum": 1, "maximum": 24},
        height={"type": "integer", "minimum": 1, "maximum": 1000},
        properties=properties,
    )


SCHEMA = _object(
    ["widgets"],
    start={"type": "string", "pattern": r"^-P([0-9]+D)?(T[0-9]+[HM])?$"},
    end={"type": "string"},
    periodOverride={"enum": ["auto", "inherit"]},
    widgets={
        "type": "array",
        "maxItems": 500,
        "items": {
            "anyOf": [
                _widget("metric", _METRIC_WIDGET),
                _widget("log", _LOG_WIDGET),
                _widget("text", _TEXT_WIDGET),
            ]
        },
    },
)
