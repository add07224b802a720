"""Acknowledges, one by one, the IAM wildcards that aws_cdk's own grants make in the pipeline.

A wildcard that is not known here is left alone, so that cdk-nag's rule AwsSolutions-IAM5 finds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

_READ = (
    "Bucket.grantRead of aws_cdk: the pattern covers reading objects, their versions and the "
    "bucket's location, of the pipeline's artifact buckets alone"
)
_WRITE = (
    "Bucket.grantWrite of aws_cdk: CodePipeline's own use of its artifact bucket; objects are "
    "versioned, so what is deleted can be restored"
)
_KEY = (
    "Key.grantEncryptDecrypt of aws_cdk: the pattern stands for the action with and without "
    "plaintext, or from and to, on the artifact key"
)
_ACTIONS = {
    "s3:GetObject*": _READ,
    "s3:GetBucket*": _READ,
    "s3:List*": _READ,
    "s3:DeleteObject*": _WRITE,
    "s3:Abort*": _WRITE,
    "kms:GenerateDataKey*": _KEY,
    "kms:ReEncrypt*": _KEY,
}
# What cdk-nag shows of a resource -> the reason. The actions tell apart what both show as "*".
_RESOURCES: tuple[tuple[str, str, str], ...] = (
    (
        r"<\w+\.Arn>/executions/[\w-]+/[?-]+/[\w-]+/\*",
        r"s3:PutObject",
        "The id of an execution, and the names of the reports that a build keeps as evidence, are "
        "known when it runs; the bucket, the pipeline and the project are named",
    ),
    (
        r"(<\w+\.Arn>|arn:(aws|<AWS::Partition>):s3:::[\w.-]+)/\*",
        r"s3:",
        "The keys of artifacts are made by CodePipeline for each execution; the bucket is the "
        "pipeline's own, or its source bucket",
    ),
    (
        r"arn:(aws|<AWS::Partition>):s3:::[\w.-]+/.+\.zip\*?",
        r"s3:",
        "Bucket.grantRead of aws_cdk on the source object and its versions",
    ),
    (
        r"arn:(aws[\w-]*|<AWS::Partition>):codebuild:[\w-]+:\d+:report-group/(<\w+>-)?\*",
        r"codebuild:",
        "CodeBuild names a project's report groups after the project, and makes them when a build "
        "first reports; a denial beside it takes it back from the role that publishes assets",
    ),
    (
        r"arn:(aws[\w-]*|<AWS::Partition>):logs:[\w-]+:\d+:log-group:/aws/codebuild/(<\w+>:)?\*",
        r"logs:",
        "CodeBuild names a build's log stream when it starts; a denial beside it leaves the role "
        "that publishes assets its own log group",
    ),
    (
        r"arn:\*:iam::\d+:role/\*",
        r"sts:AssumeRole",
        "CDK Pipelines' self-mutation: narrowed by its condition to the roles that carry the tag "
        "of the CDK bootstrap; their names are known to the deployed stacks only",
    ),
    (
        r"arn:(aws[\w-]*|<AWS::Partition>):cloudformation:[\w-]+:\d+:stack/[\w-]+/\*",
        r"cloudformation:GetTemplate",
        "The guard of the self-mutation reads the pipeline's own stack, to whose name "
        "CloudFormation appends a random id",
    ),
    (
        r"\*",
        r"cloudformation:DescribeStacks|s3:ListBucket",
        "CDK Pipelines' self-mutation: the CDK CLI looks up the bootstrap stack and its bucket, "
        "and both actions only read names",
    ),
    (
        r"arn:aws[\w-]*:signer:[\w-]+:\d+:/signing-jobs/\*",
        r"signer:DescribeSigningJob",
        "AWS Signer names a signing job when it starts; the action only reads",
    ),
    (
        r"arn:aws[\w-]*:s3:::dpra-signed-functions-[\w-]+/(unsigned|jobs|signed)/[\w-]+/\*",
        r"s3:(Get|Put)Object",
        "The keys of code that is signed are its SHA-256 and the names of signing jobs; they are "
        "below the pipeline's own prefix",
    ),
    (
        r"\*",
        r"ecr:GetAuthorizationToken",
        "Repository.grantPull of aws_cdk for a build image; the action knows no resources",
    ),
    (
        r"\*",
        r"kms:",
        "The artifact keys of the other regions have no ARN that this stack could name; a denial "
        "beside it leaves the use of keys for objects of S3, of which the role has the artifacts",
    ),
    (
        r"\*",
        r"codebuild:(BatchGetBuilds|StartBuild|StopBuild)",
        "CDK Pipelines allows it for batch builds, which the pipeline does not use: a denial "
        "beside it takes it back",
    ),
)


def resolved_policies(
    scope: Construct, made: Iterable[IConstruct]
) -> list[tuple[iam.Policy, dict[str, Any]]]:
    """Return the policies among constructs, each with its document."""
    policies = [each for each in made if isinstance(each, iam.Policy)]
    # Resolved in one call, as each is one to the jsii kernel.
    documents = Stack.of(scope).resolve([policy.document for policy in policies])
    return list(zip(policies, documents, strict=True))


def acknowledge_wildcards(policies: Iterable[tuple[iam.Policy, dict[str, Any]]]) -> None:
    """Acknowledge the known wildcards of policies."""
    for policy, document in policies:
        reasons: dict[str, str] = {}
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                reasons.update(_reasons(statement))
        if reasons:
            # On the role: at synthesis a policy that is too large continues in others beside it.
            Validations.of(policy.node.scope or policy).acknowledge(
                *(
                    Acknowledgment(id=f"AwsSolutions-IAM5[{finding}]", reason=reason)
                    for finding, reason in sorted(reasons.items())
                )
            )


def _reasons(statement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    actions = _as_list(statement["Action"])
    for action in actions:
        if action in _ACTIONS:
            yield f"Action::{action}", _ACTIONS[action]
    for resource in map(shown, _as_list(statement["Resource"])):
        if "*" not in resource:
            continue
        for form, of, reason in _RESOURCES:
            if re.fullmatch(form, resource) and all(re.match(of, each) for each in actions):
                yield f"Resource::{resource}", reason


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def shown(resource: Any) -> str:
    """Return a resource as cdk-nag shows it in the id of a finding."""
    match resource:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(shown, parts))
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Sub": text}:
            return str(text)
        case _:
            return str(resource)
