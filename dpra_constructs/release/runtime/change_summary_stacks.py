"""What a cloud assembly would change in the stacks that are deployed.

For each stack it makes a change set, reads and deletes it, and compares the templates' policies.
"""

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from .change_summary_policies import Template, broadened

# CloudFormation takes no longer template in a request.
_LONGEST_BODY = 51_200
_POLL_SECONDS = 2.0
_MOST_POLLS = 120
_ENVIRONMENT = re.compile(r"aws://(\d{12})/([a-z0-9-]+)")
_ADDRESS = re.compile(r"s3://([^/]+)/(.+)")
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
#: A stack of these states can be updated.
_SETTLED = {
    "CREATE_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
}
# What is in them is gone when they are.
_STATEFUL = {
    "AWS::Backup::BackupVault",
    "AWS::Cognito::UserPool",
    "AWS::DAX::Cluster",
    "AWS::DMS::ReplicationInstance",
    "AWS::DocDB::DBCluster",
    "AWS::DocDB::DBInstance",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EC2::Volume",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::Elasticsearch::Domain",
    "AWS::FSx::FileSystem",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::MSK::Cluster",
    "AWS::MemoryDB::Cluster",
    "AWS::Neptune::DBCluster",
    "AWS::Neptune::DBInstance",
    "AWS::OpenSearchService::Domain",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
    "AWS::Timestream::Table",
}
_KEPT = {"Retain", "RetainExceptOnCreate"}


class UnreadableError(Exception):
    """A stack could not be read; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class AssembledStack:
    """A stack as a cloud assembly describes it."""

    stage: str
    name: str
    account: str
    region: str
    template: Template
    deploy_role: str
    execution_role: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    template_address: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one resource: Add, Modify, Remove, Import or Dynamic.

    `replacement` is True, False, Conditional, or Unknown where only templates were compared.
    """

    action: str
    resource: str
    type: str
    physical_id: str = ""
    replacement: str = ""
    properties: tuple[str, ...] = ()
    is_stateful: bool = False

    @property
    def replaces(self) -> bool:
        """Whether the resource is, or may be, replaced."""
        return self.action == "Modify" and self.replacement in ("True", "Conditional", "Unknown")


@dataclass(frozen=True, kw_only=True)
class StackChanges:
    """What changes in one stack; `by` says how that was found out."""

    stage: str
    stack: str
    account: str
    region: str
    by: str
    changes: tuple[Change, ...] = ()
    permissions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def assembled_stacks(
    archive: zipfile.ZipFile, stages: list[str], partition: str = "aws"
) -> list[AssembledStack]:
    """Return the stacks of some `cdk.Stage`s, in the order of the manifests.

    Args:
        archive: a zipped cloud assembly.
        stages: the ids of the `cdk.Stage`s.
        partition: what `${AWS::Partition}` stands for.

    Raises:
        UnreadableError: it is no cloud assembly, or has no such stage.
    """
    wanted = set(stages)
    found = list(_stacks(archive, "", "", wanted, partition))
    missing = sorted(wanted - {stack.stage for stack in found})
    if missing:
        raise UnreadableError(
            f"the cloud assembly has no stacks of {', '.join(missing)}; does the app make them "
            "whatever its context is?"
        )
    return found


def _stacks(
    archive: zipfile.ZipFile, folder: str, stage: str, wanted: set[str], partition: str
) -> Iterator[AssembledStack]:
    for id, artifact in _json(archive, f"{folder}manifest.json").get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        if artifact.get("type") == "cdk:cloud-assembly":
            own = str(properties.get("displayName") or id).rpartition("/")[2]
            yield from _stacks(
                archive,
                f"{folder}{properties['directoryName']}/",
                own if own in wanted else stage,
                wanted,
                partition,
            )
        elif artifact.get("type") == "aws:cloudformation:stack" and stage:
            place = _ENVIRONMENT.fullmatch(artifact.get("environment", ""))
            if not place:
                raise UnreadableError(f"the stack {id} has no concrete account and region")
            account, region = place.groups()

            def filled(text: str | None, account: str = account, region: str = region) -> str:
                for name, value in {
                    "Partition": partition,
                    "AccountId": account,
                    "Region": region,
                }.items():
                    text = (text or "").replace(f"${{AWS::{name}}}", value)
                return text or ""

            yield AssembledStack(
                stage=stage,
                name=properties.get("stackName", id),
                account=account,
                region=region,
                template=_json(archive, folder + properties["templateFile"]),
                deploy_role=filled(properties.get("assumeRoleArn")),
                execution_role=filled(properties.get("cloudFormationExecutionRoleArn")),
                parameters=dict(properties.get("parameters") or {}),
                tags=dict(properties.get("tags") or {}),
                template_address=filled(properties.get("stackTemplateAssetObjectUrl")),
            )


def _json(archive: zipfile.ZipFile, path: str) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(archive.read(path))
    except KeyError:
        raise UnreadableError(f"the artifact is no cloud assembly: it has no {path}") from None
    return read


@dataclass(frozen=True, kw_only=True)
class Clients:
    """Clients in a stack's account and region.

    `publish` puts a template into the bootstrap's bucket; only long ones need it.
    """

    cloudformation: Any
    publish: Callable[[str, str, bytes], None]
    sleep: Callable[[float], None] = time.sleep


def stack_changes(stack: AssembledStack, clients: Clients, change_set: str) -> StackChanges:
    """Return what a deployment would change in a stack.

    Args:
        stack: as assembled.
        clients: of its account and region.
        change_set: the name of the change set to make, which nobody else uses.

    Raises:
        UnreadableError: the stack's state or template could not be read.
    """
    found = _deployed(stack, clients.cloudformation)
    status = found.get("StackStatus", "") if found else ""
    if status in ("", "REVIEW_IN_PROGRESS"):
        # A change set would leave an empty stack behind.
        return _described(
            stack,
            "the new template, as there is no stack yet",
            {},
            tuple(_compared({}, stack.template)),
        )
    old = _old_template(stack, clients.cloudformation)
    if status not in _SETTLED:
        return _described(
            stack,
            "a comparison of the templates",
            old,
            tuple(_compared(old, stack.template)),
            f"the stack is {status}, and CloudFormation may refuse to deploy to it",
        )
    try:
        changes = tuple(_by_change_set(stack, clients, change_set))
    except _NoChangeSetError as reason:
        return _described(
            stack,
            "a comparison of the templates",
            old,
            tuple(_compared(old, stack.template)),
            f"CloudFormation made no change set: {reason}",
        )
    return _described(stack, "a change set", old, changes)


class _NoChangeSetError(Exception):
    pass


def _described(
    stack: AssembledStack,
    by: str,
    old: Template,
    changes: tuple[Change, ...],
    *warnings: str,
) -> StackChanges:
    templates = (old.get("Resources") or {}, stack.template.get("Resources") or {})
    marked = tuple(
        Change(**{**asdict(change), "is_stateful": change.type in _STATEFUL}) for change in changes
    )
    return StackChanges(
        stage=stack.stage,
        stack=stack.name,
        account=stack.account,
        region=stack.region,
        by=by,
        changes=marked,
        permissions=tuple(broadened(old, stack.template)),
        warnings=(*warnings, *_losses(marked, *templates)),
    )


def _losses(changes: tuple[Change, ...], old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for change in changes:
        if not change.is_stateful:
            continue
        name = f"{change.resource} ({change.type})"
        if change.action == "Remove":
            kept = old.get(change.resource, {}).get("DeletionPolicy") in _KEPT
            yield (
                f"{name} leaves the stack; its DeletionPolicy keeps it"
                if kept
                else f"{name} is deleted, with what is in it"
            )
        elif change.replaces:
            kept = new.get(change.resource, {}).get("UpdateReplacePolicy") in _KEPT
            may = "is replaced" if change.replacement == "True" else "may be replaced"
            yield f"{name} {may} by an empty one; the old one is {'kept' if kept else 'deleted'}"


def _deployed(stack: AssembledStack, cloudformation: Any) -> dict[str, Any] | None:
    try:
        [found] = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
    except Exception as error:
        if _code(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise _unreadable(stack, error) from error
    return dict(found)


def _old_template(stack: AssembledStack, cloudformation: Any) -> Template:
    try:
        body = cloudformation.get_template(StackName=stack.name, TemplateStage="Original")[
            "TemplateBody"
        ]
    except Exception as error:
        raise _unreadable(stack, error) from error
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError as error:
            raise UnreadableError(
                f"{_place(stack)}: its deployed template is not JSON; the CDK writes JSON"
            ) from error
    return dict(body)


def _by_change_set(stack: AssembledStack, clients: Clients, name: str) -> Iterator[Change]:
    cloudformation = clients.cloudformation
    names = {"StackName": stack.name, "ChangeSetName": name}
    try:
        # From a run that ended before it deleted it.
        cloudformation.delete_change_set(**names)
        cloudformation.create_change_set(
            **names,
            ChangeSetType="UPDATE",
            Description="Read by the summary of changes, and deleted; never executed",
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=_parameters(stack),
            Tags=[{"Key": key, "Value": value} for key, value in stack.tags.items()],
            **({"RoleARN": stack.execution_role} if stack.execution_role else {}),
            **_template(stack, clients),
        )
    except Exception as error:
        raise _NoChangeSetError(str(error)) from error
    try:
        yield from _read(names, clients)
    finally:
        cloudformation.delete_change_set(**names)


def _parameters(stack: AssembledStack) -> list[dict[str, Any]]:
    return [
        {"ParameterKey": name, "ParameterValue": stack.parameters[name]}
        if name in stack.parameters
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name, declared in (stack.template.get("Parameters") or {}).items()
        # One with a default takes it again.
        if name in stack.parameters or "Default" not in declared
    ]


def _template(stack: AssembledStack, clients: Clients) -> dict[str, str]:
    body = json.dumps(stack.template, separators=(",", ":"), ensure_ascii=False)
    if len(body.encode()) <= _LONGEST_BODY:
        return {"TemplateBody": body}
    address = _ADDRESS.fullmatch(stack.template_address)
    if not address:
        raise _NoChangeSetError(
            f"the template has {len(body.encode())} bytes, CloudFormation takes {_LONGEST_BODY} in "
            "a request, and the assembly names no bucket for it"
        )
    bucket, key = address.groups()
    clients.publish(bucket, key, body.encode())
    domain = "amazonaws.com.cn" if stack.region.startswith("cn-") else "amazonaws.com"
    return {"TemplateURL": f"https://{bucket}.s3.{stack.region}.{domain}/{key}"}


def _read(names: dict[str, str], clients: Clients) -> Iterator[Change]:
    pages: dict[str, Any] = {}
    for _ in range(_MOST_POLLS):
        pages = clients.cloudformation.describe_change_set(**names, IncludePropertyValues=True)
        if pages["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
        clients.sleep(_POLL_SECONDS)
    else:
        raise _NoChangeSetError(f"it was not ready after {_MOST_POLLS * _POLL_SECONDS:.0f} seconds")
    if pages["Status"] != "CREATE_COMPLETE":
        reason = pages.get("StatusReason", "no reason given")
        if any(text in reason for text in _NO_CHANGES):
            return
        raise _NoChangeSetError(reason)
    while True:
        for change in pages.get("Changes", []):
            if "ResourceChange" in change:
                yield _change(change["ResourceChange"])
        if not pages.get("NextToken"):
            return
        pages = clients.cloudformation.describe_change_set(
            **names, IncludePropertyValues=True, NextToken=pages["NextToken"]
        )


def _change(given: dict[str, Any]) -> Change:
    targets = [detail.get("Target", {}) for detail in given.get("Details", [])]
    return Change(
        action=given.get("Action", "Modify"),
        resource=given.get("LogicalResourceId", ""),
        type=given.get("ResourceType", ""),
        physical_id=given.get("PhysicalResourceId", ""),
        replacement=given.get("Replacement", ""),
        # Names alone: values may be confidential, and this text is mailed.
        properties=tuple(
            dict.fromkeys(
                target.get("Path", "").removeprefix("/Properties/")
                or target.get("Name")
                or target.get("Attribute", "")
                for target in targets
            )
        ),
    )


def _compared(old: Template, new: Template) -> Iterator[Change]:
    before, after = old.get("Resources") or {}, new.get("Resources") or {}
    for name in sorted(before.keys() | after.keys()):
        kind = (after.get(name) or before.get(name) or {}).get("Type", "")
        if name not in before:
            yield Change(action="Add", resource=name, type=kind)
        elif name not in after:
            yield Change(action="Remove", resource=name, type=kind)
        elif before[name].get("Type") != kind:
            yield Change(action="Modify", resource=name, type=kind, replacement="True")
        elif _without_metadata(before[name]) != _without_metadata(after[name]):
            had, has = (each.get("Properties") or {} for each in (before[name], after[name]))
            yield Change(
                action="Modify",
                resource=name,
                type=kind,
                replacement="Unknown" if had != has else "False",
                properties=tuple(
                    key for key in sorted({*had, *has}) if had.get(key) != has.get(key)
                ),
            )


def _without_metadata(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "Metadata"}


def _unreadable(stack: AssembledStack, error: Exception) -> UnreadableError:
    return UnreadableError(f"{_place(stack)}: {error}")


def _place(stack: AssembledStack) -> str:
    return f"{stack.name} in {stack.account}/{stack.region}"


def _code(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


class StoredFile(io.RawIOBase):
    """An object of S3 as a file: only the parts that are read are fetched.

    A cloud assembly may hold assets of any size; its manifest and templates are small.
    """

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self._s3 = s3
        self._where = {"Bucket": bucket, "Key": key}
        self._size: int = s3.head_object(**self._where)["ContentLength"]
        self._at = 0

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return where it is read from next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Read from elsewhere next."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fetch what fits into a buffer."""
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        answer = self._s3.get_object(
            **self._where, Range=f"bytes={self._at}-{self._at + wanted - 1}"
        )
        body: bytes = answer["Body"].read()
        buffer[: len(body)] = body
        self._at += len(body)
        return len(body)
