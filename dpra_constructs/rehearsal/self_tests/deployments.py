"""What CloudFormation does with a template."""

from __future__ import annotations

import json
from typing import Any

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.self_tests.account import ACCOUNT, HERE, trust
from dpra_constructs.rehearsal.stacks import create_stack

#: A role that a function may have.
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": json.loads(trust(service="lambda.amazonaws.com"))},
}


def regional_names(endpoint: str) -> bool:
    """The same stack in two regions has two roles."""
    template = json.dumps({"Resources": {"Role": ROLE}})
    names = set()
    for region in ("us-east-1", "us-west-2"):
        cloudformation = client("cloudformation", endpoint, Place(ACCOUNT, region))
        create_stack(cloudformation, "dpra-regional-names", template)
        [resource] = cloudformation.describe_stack_resources(StackName="dpra-regional-names")[
            "StackResources"
        ]
        names.add(resource["PhysicalResourceId"])
    return len(names) == 2


def secret_reference(endpoint: str) -> bool:
    """A template refers to a secret by its ARN, also after an update of it."""
    template: dict[str, Any] = {
        "Resources": {
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "a"}}
        },
        "Outputs": {"Secret": {"Value": {"Ref": "Secret"}}},
    }
    name = "dpra-secret-reference"
    arn = _create(endpoint, name, template)["Secret"]
    secrets = client("secretsmanager", endpoint, HERE)
    template["Resources"]["Secret"]["Properties"]["SecretString"] = "b"
    cloudformation = client("cloudformation", endpoint, HERE)
    cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
    )
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    updated = secrets.get_secret_value(SecretId=arn)
    return (
        arn.startswith("arn:")
        and stack["Outputs"][0]["OutputValue"] == arn
        and updated["SecretString"] == "b"
    )


def changed_outputs(endpoint: str) -> bool:
    """A change set with another output alone is executed; one without any change is refused."""
    name = "dpra-changed-outputs"
    template: dict[str, Any] = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Version": {"Value": "1"}},
    }
    _create(endpoint, name, template)
    template["Outputs"]["Version"]["Value"] = "2"
    cloudformation = client("cloudformation", endpoint, HERE)
    waiting = {"Delay": 0.1, "MaxAttempts": 300}
    given = {"StackName": name, "ChangeSetName": "changed"}
    cloudformation.create_change_set(**given, TemplateBody=json.dumps(template))
    cloudformation.execute_change_set(**given)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig=waiting)
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    given["ChangeSetName"] = "unchanged"
    cloudformation.create_change_set(**given, TemplateBody=json.dumps(template))
    unchanged = cloudformation.describe_change_set(**given)
    return bool(stack["Outputs"][0]["OutputValue"] == "2" and unchanged["Status"] == "FAILED")


def custom_resource_crash(endpoint: str) -> bool:
    """A custom resource whose function raises fails its stack at once."""
    template = {
        "Resources": {
            "Role": ROLE,
            "Function": function("def handler(event, context):\n    raise KeyError('crashed')"),
            "Custom": {
                "Type": "Custom::Crash",
                "Properties": {
                    "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
                    # Without the patch the stack fails too, later and for another reason.
                    "ServiceTimeout": 1,
                },
            },
        }
    }
    try:
        _create(endpoint, "dpra-custom-resource", template)
    except RehearsalError as error:
        return "crashed" in str(error)
    return False


def bucket_encryption(endpoint: str) -> bool:
    """A bucket is encrypted with its template's key; without one, S3's own key serves."""
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/a"
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ServerSideEncryptionByDefault": default}]
    properties = {
        "BucketName": "dpra-bucket-encryption",
        "BucketEncryption": {"ServerSideEncryptionConfiguration": rules},
    }
    _create(
        endpoint,
        "dpra-bucket-encryption",
        {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}},
    )
    s3 = client("s3", endpoint, HERE)
    s3.put_object(
        Bucket="dpra-bucket-encryption", Key="a", Body=b"a", ServerSideEncryption="aws:kms"
    )
    found = s3.get_bucket_encryption(Bucket="dpra-bucket-encryption")
    [rule] = found["ServerSideEncryptionConfiguration"]["Rules"]
    return bool(rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID") == key)


def api_address(endpoint: str) -> bool:
    """An API's address, as attribute or put together, is on the emulator."""
    template = {
        "Resources": {
            "Api": {
                "Type": "AWS::ApiGatewayV2::Api",
                "Properties": {"Name": "dpra", "ProtocolType": "HTTP"},
            }
        },
        "Outputs": {
            "Attribute": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}},
            "Joined": {
                "Value": {
                    "Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/a"
                }
            },
        },
    }
    outputs = _create(endpoint, "dpra-api-address", template)
    return all(value.startswith(f"{endpoint}/") for value in outputs.values())


def function_address(endpoint: str) -> bool:
    """A function URL is on the emulator."""
    template = {
        "Resources": {
            "Role": ROLE,
            "Function": function("def handler(event, context):\n    return 'ok'"),
            "Url": {
                "Type": "AWS::Lambda::Url",
                "Properties": {
                    "TargetFunctionArn": {"Fn::GetAtt": ["Function", "Arn"]},
                    "AuthType": "NONE",
                },
            },
        },
        "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}},
    }
    outputs = _create(endpoint, "dpra-function-address", template)
    return outputs["Url"].startswith(f"{endpoint}/")


def function(code: str, **properties: Any) -> dict[str, Any]:
    """Return a Python function as a resource; the template has a `Role`."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.14",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": code},
            **properties,
        },
    }


def _create(endpoint: str, name: str, template: dict[str, Any]) -> dict[str, str]:
    cloudformation = client("cloudformation", endpoint, HERE)
    create_stack(cloudformation, name, json.dumps(template))
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}
