"""Stands for the AWS CLI, which no Python package brings in version 2: the commands in docs.

Takes `aws SERVICE OPERATION --option value ... [--query Q] [--output text]`, and `wait`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import botocore.session
import jmespath  # type: ignore[import-untyped]
from botocore import xform_name
from botocore.exceptions import ClientError, WaiterError


def main(arguments: list[str]) -> int:
    service, operation, *rest = arguments
    waits = operation == "wait"
    if waits:
        operation, *rest = rest
    options = dict(zip([each.removeprefix("--") for each in rest[::2]], rest[1::2], strict=True))
    query, output = options.pop("query", ""), options.pop("output", "json")
    client = botocore.session.Session().create_client(
        "s3" if service == "s3api" else service,
        region_name=options.pop("region", None),
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    )
    try:
        if waits:
            request = {_member(name): _value(name, value) for name, value in options.items()}
            waiter = client.get_waiter(operation.replace("-", "_"))
            waiter.wait(**request, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
            return 0
        method = operation.replace("-", "_")
        shape = client.meta.service_model.operation_model(
            client.meta.method_to_api_mapping[method]
        ).input_shape
        # Some services begin their members with a small letter.
        members = {xform_name(each, "-"): each for each in (shape.members if shape else ())}
        answer = getattr(client, method)(
            **{members[name]: _value(name, value) for name, value in options.items()}
        )
    except (ClientError, WaiterError) as error:
        print(error, file=sys.stderr)
        return 254
    answer.pop("ResponseMetadata", None)
    found = jmespath.search(query, answer) if query else answer
    if found or not query:
        print(_text(found) if output == "text" else json.dumps(found, default=str))
    elif output == "text":
        print("None" if found is None else "")
    return 0


def _member(name: str) -> str:
    member = "".join(word.capitalize() for word in name.split("-"))
    assert xform_name(member, "-") == name
    return member


def _value(name: str, value: str) -> Any:
    if name == "body":
        return Path(value).read_bytes()
    return int(value) if value.isdigit() and name != "version-id" else value


def _text(value: Any) -> str:
    match value:
        case [[*_], *_]:
            return "\n".join("\t".join(str(each) for each in row) for row in value)
        case list():
            return "\t".join(str(each) for each in value)
        case _:
            return str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
