"""Clients for the tests: Python functions, checked against botocore's models in both directions."""

from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator


@cache
def operations(service: str) -> dict[str, Any]:
    from botocore import xform_name

    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


class Modelled:
    """A client: each operation is a method of `behaviour`, by its name, if it has one."""

    def __init__(self, service: str, behaviour: Any) -> None:
        self._service = service
        self._behaviour = behaviour

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = operations(self._service)[name]

        def call(**given: Any) -> dict[str, Any]:
            _check(given, operation.input_shape, f"{name} takes")
            answer = getattr(self._behaviour, name)(**given)
            _check(answer, operation.output_shape, f"{name} returns")
            return dict(answer)

        return call


def _check(value: dict[str, Any], shape: Any, what: str) -> None:
    if shape is None:
        assert not value, what
        return
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), f"{what}: {report.generate_report()}"


def client_error(code: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code} happened"}}, operation)
