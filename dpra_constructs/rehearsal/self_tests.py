"""Shows, on the running emulator, that each patch does what it is there for.

A new version of the emulator that moves what is patched must not make a rehearsal say less.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.stacks import create_stack

# An account that no rehearsed app has: its id is AWS's example for documentation.
_ACCOUNT = "123456789012"
_NAME = "dpra-self-test"


def run_self_tests(endpoint: str) -> None:
    """Run all of them.

    Raises:
        RehearsalError: a patch has no effect; the message names it.
    """
    for name, works in SELF_TESTS.items():
        if not works(endpoint):
            raise RehearsalError(
                f"the emulator's patch {name} has no effect, so a rehearsal would not tell the "
                "truth; install the pinned versions of dpra-constructs[rehearsal]"
            )


def _secure_transport(endpoint: str) -> bool:
    place = Place(_ACCOUNT, "us-east-1")
    # Not the root of the account, which no policy holds.
    iam = client("iam", endpoint, place)
    iam.create_user(UserName=_NAME)
    iam.put_user_policy(
        UserName=_NAME, PolicyName=_NAME, PolicyDocument=_policy("Allow", {"Resource": "*"})
    )
    access_key = iam.create_access_key(UserName=_NAME)["AccessKey"]
    s3 = client("s3", endpoint, place)
    s3.create_bucket(Bucket=_NAME)
    plain_http = {
        "Principal": "*",
        "Resource": [f"arn:aws:s3:::{_NAME}", f"arn:aws:s3:::{_NAME}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=_NAME, Policy=_policy("Deny", plain_http))
    try:
        client("s3", endpoint, place, access_key).list_objects_v2(Bucket=_NAME)
    except ClientError:
        return False
    return True


def _policy(effect: str, statement: Mapping[str, object]) -> str:
    statements = [{"Effect": effect, "Action": "s3:*", **statement}]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _regional_names(endpoint: str) -> bool:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    template = json.dumps({"Resources": {"Role": role}})
    names = set()
    for region in ("us-east-1", "us-west-2"):
        cloudformation = client("cloudformation", endpoint, Place(_ACCOUNT, region))
        create_stack(cloudformation, _NAME, template)
        [resource] = cloudformation.describe_stack_resources(StackName=_NAME)["StackResources"]
        names.add(resource["PhysicalResourceId"])
    return len(names) == 2


SELF_TESTS: dict[str, Callable[[str], bool]] = {
    "secure_transport": _secure_transport,
    "regional_names": _regional_names,
}
