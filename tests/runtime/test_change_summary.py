"""What a release changes in production, read from change sets, against botocore's models."""

import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from dpra_constructs.release.runtime.change_summary import (
    all_changes,
    session_policy,
    summarize,
)
from dpra_constructs.release.runtime.change_summary_stacks import (
    AssembledStack,
    Change,
    Clients,
    StackChanges,
    StoredFile,
    UnreadableError,
    assembled_stacks,
    stack_changes,
)
from dpra_constructs.release.runtime.change_summary_text import (
    LONGEST_TEXT,
    Counts,
    Release,
    message,
    page,
)
from tests.runtime.service_models import Modelled, client_error

EXECUTION = "11111111-2222-4333-8444-555555555555"
NAME = f"dpra-summary-{EXECUTION}"
ROLE = "arn:aws:iam::444444444444:role/cdk-x-deploy-role-444444444444-us-west-2"
TABLE = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "fruits"}}
RELEASE = Release(
    pipeline="fruit", execution=EXECUTION, commit="0a1b2c", authors=["Ada <a@b.example>"], link="-"
)


def stack(**changes: Any) -> AssembledStack:
    given = {
        "stage": "fruit-prod-us-west-2",
        "name": "fruit-prod-us-west-2-Api",
        "account": "444444444444",
        "region": "us-west-2",
        "template": {"Resources": {"Table": TABLE}},
        "deploy_role": ROLE,
        "execution_role": ROLE.replace("deploy", "cfn-exec"),
        "template_address": "s3://staging/abc.json",
        **changes,
    }
    return AssembledStack(**given)


def resource(action: str = "Modify", name: str = "Table", **changes: Any) -> dict[str, Any]:
    return {
        "Type": "Resource",
        "ResourceChange": {
            "Action": action,
            "LogicalResourceId": name,
            "ResourceType": "AWS::DynamoDB::Table",
            **changes,
        },
    }


class World:
    """One deployed stack, and what CloudFormation says of a change set of it."""

    def __init__(
        self,
        *pages: list[dict[str, Any]],
        status: str = "UPDATE_COMPLETE",
        template: Any = None,
        ends: tuple[str, str] = ("CREATE_COMPLETE", ""),
        polls: int = 1,
        errors: dict[str, Exception] | None = None,
    ) -> None:
        self.pages = list(pages) or [[]]
        self.status, self.polls, self.ends, self.errors = status, polls, ends, errors or {}
        self.template = {"Resources": {"Table": TABLE}} if template is None else template
        self.created: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.published: list[tuple[str, str, bytes]] = []
        self.slept: list[float] = []

    def _fail(self, name: str) -> None:
        if name in self.errors:
            raise self.errors[name]

    def describe_stacks(self, **given: Any) -> dict[str, Any]:
        self._fail("describe_stacks")
        shown = {
            "StackName": given["StackName"],
            "StackStatus": self.status,
            "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        }
        return {"Stacks": [shown]}

    def get_template(self, **given: Any) -> dict[str, Any]:
        self._fail("get_template")
        return {"TemplateBody": json.dumps(self.template)}

    def create_change_set(self, **given: Any) -> dict[str, Any]:
        self._fail("create_change_set")
        self.created.append(given)
        return {"Id": "arn:aws:cloudformation:us-west-2:444444444444:changeSet/x/1"}

    def describe_change_set(self, **given: Any) -> dict[str, Any]:
        self._fail("describe_change_set")
        assert given["IncludePropertyValues"] is True
        if self.polls:
            self.polls -= 1
            return {"Status": "CREATE_IN_PROGRESS"}
        status, reason = self.ends
        number = int(given.get("NextToken", "0"))
        more = {"NextToken": str(number + 1)} if number + 1 < len(self.pages) else {}
        return {"Status": status, "StatusReason": reason, "Changes": self.pages[number], **more}

    def delete_change_set(self, **given: Any) -> dict[str, Any]:
        self.deleted.append(given["ChangeSetName"])
        return {}


def clients(world: World) -> Clients:
    return Clients(
        cloudformation=Modelled("cloudformation", world),
        publish=lambda *given: world.published.append(given),
        sleep=world.slept.append,
    )


def read(world: World, **changes: Any) -> StackChanges:
    return stack_changes(stack(**changes), clients(world), NAME)


def test_a_change_set_is_made_for_the_release_read_to_its_last_page_and_deleted() -> None:
    details = [{"Target": {"Path": "/Properties/KeySchema", "RequiresRecreation": "Always"}}]
    world = World(
        [resource(Replacement="True", Details=details)],
        [resource("Add", "More"), {"Type": "Hook"}],
        polls=3,
    )
    found = read(world)
    assert found.changes == (
        Change(
            action="Modify",
            resource="Table",
            type="AWS::DynamoDB::Table",
            replacement="True",
            properties=("KeySchema",),
            is_stateful=True,
        ),
        Change(action="Add", resource="More", type="AWS::DynamoDB::Table", is_stateful=True),
    )
    assert found.by == "a change set"
    [created] = world.created
    assert (created["ChangeSetName"], created["ChangeSetType"]) == (NAME, "UPDATE")
    assert created["RoleARN"] == ROLE.replace("deploy", "cfn-exec")
    assert json.loads(created["TemplateBody"]) == {"Resources": {"Table": TABLE}}
    # Before, as a run that ended early may have left it, and after.
    assert world.deleted == [NAME, NAME]
    assert len(world.slept) == 3


@pytest.mark.parametrize(
    ("change", "old", "new", "warning"),
    [
        (
            resource(Replacement="True"),
            TABLE,
            TABLE,
            "is replaced by an empty one; the old one is deleted",
        ),
        (
            resource(Replacement="Conditional"),
            TABLE,
            {**TABLE, "UpdateReplacePolicy": "Retain"},
            "may be replaced by an empty one; the old one is kept",
        ),
        (resource("Remove"), TABLE, None, "is deleted, with what is in it"),
        (
            resource("Remove"),
            {**TABLE, "DeletionPolicy": "Retain"},
            None,
            "leaves the stack; its DeletionPolicy keeps it",
        ),
    ],
)
def test_what_loses_data_is_warned_of(
    change: dict[str, Any], old: dict[str, Any], new: dict[str, Any] | None, warning: str
) -> None:
    world = World([change], template={"Resources": {"Table": old}})
    found = read(world, template={"Resources": {"Table": new} if new else {}})
    assert found.warnings == (f"Table (AWS::DynamoDB::Table) {warning}",)


def test_a_change_in_place_and_a_replaced_function_are_not_warned_of() -> None:
    function = resource(Replacement="True", ResourceType="AWS::Lambda::Function")
    assert read(World([resource(Replacement="False"), function])).warnings == ()


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information",
        "No updates are to be performed.",
    ],
)
def test_no_changes_are_none(reason: str) -> None:
    found = read(World(ends=("FAILED", reason)))
    assert (found.changes, found.warnings, found.by) == ((), (), "a change set")


@pytest.mark.parametrize("status", ["", "REVIEW_IN_PROGRESS"])
def test_a_stack_that_is_not_there_yet_gets_no_change_set(status: str) -> None:
    gone = client_error("ValidationError")
    gone.args = ("Stack with id x does not exist",)
    world = World(status=status, errors={} if status else {"describe_stacks": gone})
    found = read(world)
    assert [each.action for each in found.changes] == ["Add"]
    assert "as there is no stack yet" in found.by
    assert not world.created


@pytest.mark.parametrize("status", ["DELETE_FAILED", "ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS"])
def test_a_stack_that_cannot_be_updated_is_compared_and_warned_of(status: str) -> None:
    world = World(status=status)
    found = read(world, template={"Resources": {"Other": TABLE}})
    assert [(each.action, each.resource) for each in found.changes] == [
        ("Add", "Other"),
        ("Remove", "Table"),
    ]
    assert f"the stack is {status}, and CloudFormation may refuse" in found.warnings[0]
    assert not world.created


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        (World(ends=("FAILED", "No export named x found")), "No export named x found"),
        (
            World(errors={"create_change_set": client_error("LimitExceededException")}),
            "LimitExceeded",
        ),
        (World(polls=1_000), "it was not ready after 240 seconds"),
        (World(errors={"describe_change_set": client_error("Throttling")}), None),
    ],
)
def test_without_a_change_set_the_templates_are_compared_with_the_reason(
    world: World, reason: str | None
) -> None:
    changed = {"Resources": {"Table": {**TABLE, "Properties": {"TableName": "more"}}}}
    if reason is None:
        # Throttled to the end: not known is not shown as known.
        with pytest.raises(Exception, match="Throttling"):
            read(world, template=changed)
        assert world.deleted == [NAME, NAME]
        return
    found = read(world, template=changed)
    assert found.changes[0].replacement == "Unknown"
    assert found.warnings[0].startswith("CloudFormation made no change set: ")
    assert reason in found.warnings[0]
    assert "may be replaced" in found.warnings[1]


def test_a_template_too_long_for_a_request_is_published_as_the_cdk_does() -> None:
    world = World()
    read(world, template={"Resources": {"Table": TABLE}, "Description": "x" * 60_000})
    [(bucket, key, body)] = world.published
    assert (bucket, key, len(body) > 60_000) == ("staging", "abc.json", True)
    [created] = world.created
    assert created["TemplateURL"] == "https://staging.s3.us-west-2.amazonaws.com/abc.json"
    assert "TemplateBody" not in created


def test_parameters_take_what_the_assembly_gives_their_default_or_what_they_had() -> None:
    world = World()
    parameters = {"A": {"Type": "String"}, "B": {"Type": "String", "Default": "b"}, "C": {}}
    read(world, template={"Parameters": parameters}, parameters={"A": "a"})
    [created] = world.created
    assert created["Parameters"] == [
        {"ParameterKey": "A", "ParameterValue": "a"},
        {"ParameterKey": "C", "UsePreviousValue": True},
    ]


@pytest.mark.parametrize("call", ["describe_stacks", "get_template"])
def test_a_stack_that_cannot_be_read_fails_with_its_place(call: str) -> None:
    with pytest.raises(UnreadableError, match=r"Api in 444444444444/us-west-2: .*AccessDenied"):
        read(World(errors={call: client_error("AccessDenied")}))


def test_all_stacks_that_cannot_be_read_are_named() -> None:
    stacks = [stack(name="good"), stack(name="bad"), stack(name="worse")]

    def clients_of(each: AssembledStack) -> Clients:
        if each.name == "worse":
            raise client_error("AccessDenied", "AssumeRole")
        denied: dict[str, Exception] = {}
        if each.name == "bad":
            denied["get_template"] = client_error("AccessDenied")
        return clients(World(errors=denied))

    with pytest.raises(UnreadableError) as raised:
        all_changes(stacks, clients_of, NAME)
    assert [each in str(raised.value) for each in ("good", "bad in", "worse in")] == [
        False,
        True,
        True,
    ]


def test_a_session_may_make_change_sets_of_its_stack_and_no_more() -> None:
    statements = json.loads(session_policy(stack()))["Statement"]
    actions = {each for given in statements for each in [given["Action"]] if isinstance(each, str)}
    assert actions == {"iam:PassRole", "s3:GetObject"}
    assert statements[0]["Resource"] == (
        "arn:aws:cloudformation:us-west-2:444444444444:stack/fruit-prod-us-west-2-Api/*"
    )
    assert not [each for each in statements[0]["Action"] if "Execute" in each or "*" in each]


# The artifact


def assembly() -> bytes:
    place = {"environment": "aws://444444444444/us-west-2", "type": "aws:cloudformation:stack"}
    nested = {
        "artifacts": {
            "Api": {
                **place,
                "properties": {
                    "templateFile": "Api.template.json",
                    "stackName": "fruit-prod-us-west-2-Api",
                    "assumeRoleArn": ROLE.replace("arn:aws:", "arn:${AWS::Partition}:"),
                    "stackTemplateAssetObjectUrl": "s3://cdk-${AWS::AccountId}/abc.json",
                },
            },
            "tree": {"type": "cdk:tree"},
        }
    }
    root = {
        "artifacts": {
            "assembly-prod": {
                "type": "cdk:cloud-assembly",
                "properties": {
                    "directoryName": "assembly-prod",
                    "displayName": "Stack/Prod/fruit-prod-us-west-2",
                },
            },
            # A namesake whose id ends alike.
            "assembly-other": {
                "type": "cdk:cloud-assembly",
                "properties": {
                    "directoryName": "assembly-other",
                    "displayName": "Stack/Prod/x-fruit-prod-us-west-2",
                },
            },
        }
    }
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("manifest.json", json.dumps(root))
        for folder in ("assembly-prod", "assembly-other"):
            archive.writestr(f"{folder}/manifest.json", json.dumps(nested))
            archive.writestr(f"{folder}/Api.template.json", json.dumps(stack().template))
        archive.writestr("asset.big/file", bytes(3_000_000))
    return body.getvalue()


class Bucket:
    def __init__(self, body: bytes) -> None:
        self.body = body
        self.fetched = 0
        self.put: list[dict[str, Any]] = []

    def head_object(self, **given: Any) -> dict[str, Any]:
        return {"ContentLength": len(self.body)}

    def get_object(self, **given: Any) -> dict[str, Any]:
        first, last = map(int, given["Range"].removeprefix("bytes=").split("-"))
        self.fetched += last - first + 1
        return {"Body": io.BytesIO(self.body[first : last + 1])}

    def put_object(self, **given: Any) -> dict[str, Any]:
        self.put.append(given)
        return {}


class Jobs:
    def __init__(self) -> None:
        self.results: list[tuple[str, dict[str, Any]]] = []

    def put_job_success_result(self, **given: Any) -> dict[str, Any]:
        self.results.append(("success", given))
        return {}

    def put_job_failure_result(self, **given: Any) -> dict[str, Any]:
        self.results.append(("failure", given))
        return {}


def called(world: World, bucket: Bucket, stage: str = "fruit-prod-us-west-2") -> Any:
    told = {"pipeline": "fruit", "execution": EXECUTION, "commit": "0a1b2c", "authors": ""}

    def at(key: str) -> list[dict[str, Any]]:
        place = {"type": "S3", "s3Location": {"bucketName": "artifacts", "objectKey": key}}
        return [{"name": key, "location": place}]

    data = {
        "actionConfiguration": {"configuration": {"UserParameters": json.dumps(told)}},
        "inputArtifacts": at("fruit/Synth_Outp/1"),
        "outputArtifacts": at("fruit/Changes/2"),
        "encryptionKey": {"id": "arn:aws:kms:us-west-2:111111111111:key/k", "type": "KMS"},
    }
    jobs = Jobs()
    summarize(
        {"CodePipeline.job": {"id": EXECUTION, "data": data}},
        codepipeline=Modelled("codepipeline", jobs),
        s3=bucket,
        clients_of=lambda _: clients(world),
        stages=[stage],
        region="us-west-2",
    )
    [result] = jobs.results
    return result


def test_the_summary_is_an_artifact_and_its_text_and_link_are_variables() -> None:
    bucket = Bucket(assembly())
    kind, result = called(World([resource(Replacement="True")]), bucket)
    assert kind == "success"
    variables = result["outputVariables"]
    assert {name: variables[name] for name in ("Added", "Changed", "Replaced", "Deleted")} == {
        "Added": "0",
        "Changed": "0",
        "Replaced": "1",
        "Deleted": "0",
    }
    assert variables["Link"] == (
        "https://us-west-2.console.aws.amazon.com/s3/object/artifacts"
        "?region=us-west-2&prefix=fruit/Changes/2"
    )
    assert "WARNING Table (AWS::DynamoDB::Table) is replaced" in variables["Text"]
    [put] = bucket.put
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"][-5:]) == ("aws:kms", "key/k")
    with zipfile.ZipFile(io.BytesIO(put["Body"])) as archive:
        assert sorted(archive.namelist()) == ["changes.json", "changes.md"]
        read = json.loads(archive.read("changes.json"))
    assert read["stacks"][0]["stack"] == "fruit-prod-us-west-2-Api"
    assert len(read["stacks"]) == 1
    assert read["counts"]["replaced"] == 1


def test_assets_in_the_artifact_are_not_fetched() -> None:
    bucket = Bucket(assembly())
    called(World(), bucket)
    assert bucket.fetched < 2_000_000 < len(bucket.body)


@pytest.mark.parametrize(
    ("world", "stage", "said"),
    [
        (World(), "fruit-prod-eu-west-1", "has no stacks of fruit-prod-eu-west-1"),
        (
            World(errors={"describe_stacks": client_error("AccessDenied")}),
            "fruit-prod-us-west-2",
            "Api in 444444444444/us-west-2",
        ),
    ],
)
def test_what_is_not_known_is_not_approved(world: World, stage: str, said: str) -> None:
    kind, result = called(world, Bucket(assembly()), stage)
    assert kind == "failure"
    text = result["failureDetails"]["message"]
    assert text.startswith("What the release changes is not known: ")
    assert said in text


def test_placeholders_of_the_assembly_are_filled() -> None:
    with zipfile.ZipFile(io.BytesIO(assembly())) as archive:
        [found] = assembled_stacks(archive, ["fruit-prod-us-west-2"], "aws-cn")
    assert found.deploy_role == ROLE.replace("arn:aws:", "arn:aws-cn:")
    assert found.template_address == "s3://cdk-444444444444/abc.json"


def test_what_is_no_assembly_is_said() -> None:
    body = io.BytesIO()
    zipfile.ZipFile(body, "w").close()
    with (
        zipfile.ZipFile(body) as archive,
        pytest.raises(UnreadableError, match=r"no cloud assembly: it has no manifest\.json"),
    ):
        assembled_stacks(archive, ["x"])


def test_a_stored_file_reads_what_the_file_would() -> None:
    body = bytes(range(256)) * 4
    stored, plain = io.BufferedReader(StoredFile(Bucket(body), "b", "k"), 64), io.BytesIO(body)
    for offset, whence, count in ((-10, io.SEEK_END, 100), (5, io.SEEK_SET, 70), (3, 1, 5)):
        assert stored.seek(offset, whence) == plain.seek(offset, whence)
        assert stored.read(count) == plain.read(count)


# What is shown


def changes(**given: Any) -> StackChanges:
    return StackChanges(
        stage="s", stack="S", account="444444444444", by="a change set", **{"region": "r1", **given}
    )


def test_the_text_fits_the_approval_and_names_each_warning_once() -> None:
    same = [changes(region=f"r{each}", warnings=("Table is deleted",)) for each in range(6)]
    text = message(RELEASE, same)
    assert text.splitlines() == [
        "Commit 0a1b2c by Ada <a@b.example>",
        f"Execution {EXECUTION}",
        "In 6 regions: 0 added, 0 changed, 0 replaced, 0 deleted",
        "WARNING Table is deleted",
    ]
    many = [changes(warnings=tuple(f"{each} {'x' * 40}" for each in range(40)))]
    text = message(RELEASE, many)
    assert len(text) <= LONGEST_TEXT
    assert text.endswith("More warnings: see the summary")


def test_counts_tell_what_is_replaced_from_what_is_changed() -> None:
    def change(action: str, replacement: str = "") -> Change:
        return Change(action=action, resource="R", type="T", replacement=replacement)

    counted = Counts.of(
        [
            changes(
                changes=(
                    *(change("Add"), change("Import"), change("Remove")),
                    *(change("Modify", "True"), change("Modify", "Conditional")),
                    *(change("Modify", "False"), change("Dynamic")),
                ),
                permissions=("x",),
            )
        ]
    )
    assert str(counted) == "2 added, 2 changed, 2 replaced, 1 deleted"
    assert counted.permissions == 1


def test_the_page_shows_each_resource_and_cuts_long_tables() -> None:
    many = tuple(
        Change(action="Modify", resource=f"R{each}_x", type="T", replacement="Conditional")
        for each in range(300)
    )
    text = page(RELEASE, [changes(changes=many, permissions=("Role: allows * on *",)), changes()])
    assert "| **replace?** | R0\\_x | T |" in text
    assert "R200" not in text
    assert "And 100 more: see changes.json." in text
    assert "- Role: allows \\* on \\* (r1)" in text
    assert "No changes, by a change set." in text
