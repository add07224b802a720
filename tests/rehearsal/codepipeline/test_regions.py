"""Actions in other regions: artifacts go to that region's store and come back."""

from collections.abc import Callable

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from tests.rehearsal.codepipeline.small import (
    CONNECTION,
    TOOLS,
    Pipeline,
    Template,
    action,
    allow,
    publish,
    role,
    source,
    stage,
    template,
)

Deploy = Callable[[Template], Pipeline]
THERE = Place(TOOLS.account, "eu-west-1")


def across_regions(endpoint: str, name: str, *statements: dict[str, object]) -> Template:
    """A pipeline that deploys from another region, where its store has a key of its own."""
    key = client("kms", endpoint, THERE).create_key()["KeyMetadata"]["Arn"]
    s3 = client("s3", endpoint, THERE)
    for bucket in (f"{name}-store", f"{name}-target"):
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": THERE.region}
        )
    there = {"Type": "S3", "Location": f"{name}-store", "EncryptionKey": {"Type": "KMS", "Id": key}}
    given = template(
        source(),
        stage(
            "Prod",
            publish(),
            action(
                "There",
                "AWS/Deploy/S3",
                {"BucketName": f"{name}-target", "Extract": "true"},
                inputs=["Code"],
                Region=THERE.region,
            ),
        ),
        resources={
            "PipelineRole": role(
                "codepipeline",
                allow("codeconnections:UseConnection", on=CONNECTION),
                allow("kms:*"),
                *statements,
            )
        },
        ArtifactStores=[
            {
                "Region": TOOLS.region,
                "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Artifacts"}},
            },
            {"Region": THERE.region, "ArtifactStore": there},
        ],
    )
    del given["Resources"]["Pipeline"]["Properties"]["ArtifactStore"]
    return given


def test_an_artifact_is_copied_to_the_action_s_region(endpoint: str, deploy: Deploy) -> None:
    pipeline = deploy(across_regions(endpoint, "across", allow("s3:*")))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded"
    s3 = client("s3", endpoint, THERE)
    body = s3.get_object(Bucket="across-target", Key="index.html")["Body"].read()
    assert body == b"one"
    [copy] = s3.list_objects_v2(Bucket="across-store")["Contents"]
    head = s3.head_object(Bucket="across-store", Key=copy["Key"])
    assert head["ServerSideEncryption"] == "aws:kms"
    [artifact] = pipeline.run(execution_id, "Take")["output"]["outputArtifacts"]
    assert artifact["s3location"]["key"] == copy["Key"]
    assert artifact["s3location"]["bucket"] != "across-store"


def test_the_pipeline_s_role_needs_the_other_store(endpoint: str, deploy: Deploy) -> None:
    own = {"Fn::Sub": "${Artifacts.Arn}/*"}
    target = {"Fn::Sub": "${Target.Arn}/*"}
    pipeline = deploy(
        across_regions(endpoint, "denied", allow("s3:*", on=own), allow("s3:*", on=target))
    )
    execution_id = pipeline.start()
    assert "PutObject: AccessDenied" in pipeline.failure(execution_id)
    assert pipeline.run(execution_id, "There")["status"] == "Failed"
