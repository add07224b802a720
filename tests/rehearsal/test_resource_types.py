"""The resource types of a CDK pipeline and of the applications it deploys.

All in one stack: created, updated, rolled back and deleted, as the message names what fails.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import emulator
from dpra_constructs.rehearsal.stacks import create_stack, delete_stack, update_stack
from tests.rehearsal.applications import application
from tests.rehearsal.test_state import PIPELINE, PROJECT

PLACE = Place("111111111111", "us-west-2")


ENVIRONMENT = {
    "Type": "LINUX_CONTAINER",
    "Image": "aws/codebuild/standard:7.0",
    "ComputeType": "BUILD_GENERAL1_SMALL",
}


def arn(of: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [of, "Arn"]}


def resource(type_name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_name, "Properties": properties}


def allow(action: str, of: Any, principal: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": of, "Principal": principal}
    return {"Version": "2012-10-17", "Statement": [statement]}


def resources(n: int) -> dict[str, Any]:
    """Return what a deployed application and a pipeline have; a property of each has the `n`."""
    service = {"Service": "events.amazonaws.com"}
    identity = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": f"s3:Get{n}*", "Resource": "*"}],
    }
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": n,
        "MetricName": "Errors",
        "Namespace": "AWS/Lambda",
        "Period": 60,
        "Statistic": "Sum",
        "Threshold": n,
    }
    code_deploy = {"ServiceRoleArn": arn("Role"), "ApplicationName": {"Ref": "Deploy"}}
    return {
        "Policy": resource(
            "AWS::IAM::Policy", PolicyName="p", PolicyDocument=identity, Roles=[{"Ref": "Role"}]
        ),
        "Managed": resource(
            "AWS::IAM::ManagedPolicy", PolicyDocument=identity, Roles=[{"Ref": "Role"}]
        ),
        "Key": resource(
            "AWS::KMS::Key",
            Description=str(n),
            EnableKeyRotation=True,
            KeyPolicy=allow(
                "kms:*", "*", {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}
            ),
        ),
        "KeyAlias": resource(
            "AWS::KMS::Alias", AliasName="alias/artifacts", TargetKeyId=arn("Key")
        ),
        "Bucket": resource(
            "AWS::S3::Bucket",
            BucketEncryption={
                "ServerSideEncryptionConfiguration": [
                    {
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": arn("Key"),
                        }
                    }
                ]
            },
            VersioningConfiguration={"Status": "Enabled"},
            LifecycleConfiguration={
                "Rules": [{"Id": "old", "Status": "Enabled", "ExpirationInDays": 90 + n}]
            },
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        ),
        "BucketPolicy": resource(
            "AWS::S3::BucketPolicy",
            Bucket={"Ref": "Bucket"},
            PolicyDocument=allow(
                f"s3:Get{n}*",
                {"Fn::Join": ["", [arn("Bucket"), "/*"]]},
                {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
            ),
        ),
        "Topic": resource("AWS::SNS::Topic", DisplayName=f"releases {n}"),
        "TopicPolicy": resource(
            "AWS::SNS::TopicPolicy",
            Topics=[{"Ref": "Topic"}],
            PolicyDocument=allow("sns:Publish", {"Ref": "Topic"}, service),
        ),
        "Queue": resource("AWS::SQS::Queue", VisibilityTimeout=30 + n),
        "QueuePolicy": resource(
            "AWS::SQS::QueuePolicy",
            Queues=[{"Ref": "Queue"}],
            PolicyDocument=allow("sqs:SendMessage", arn("Queue"), service),
        ),
        "Subscription": resource(
            "AWS::SNS::Subscription",
            TopicArn={"Ref": "Topic"},
            Protocol="sqs",
            Endpoint=arn("Queue"),
            RawMessageDelivery=bool(n % 2),
        ),
        "Parameter": resource(
            "AWS::SSM::Parameter", Name="/fruit/version", Type="String", Value=str(n)
        ),
        "Secret": resource("AWS::SecretsManager::Secret", Description=str(n)),
        "Table": resource(
            "AWS::DynamoDB::Table",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": bool(n % 2)},
        ),
        f"Version{n}": resource("AWS::Lambda::Version", FunctionName={"Ref": "Function"}),
        "Live": resource(
            "AWS::Lambda::Alias",
            Name="live",
            FunctionName={"Ref": "Function"},
            FunctionVersion={"Fn::GetAtt": [f"Version{n}", "Version"]},
        ),
        "Polled": resource(
            "AWS::Lambda::EventSourceMapping",
            FunctionName={"Ref": "Function"},
            EventSourceArn=arn("Queue"),
            BatchSize=n,
        ),
        "Retries": resource(
            "AWS::Lambda::EventInvokeConfig",
            FunctionName={"Ref": "Function"},
            Qualifier="$LATEST",
            MaximumRetryAttempts=n % 3,
        ),
        "Rule": resource(
            "AWS::Events::Rule",
            Description=str(n),
            EventPattern={"source": ["aws.codepipeline"]},
            Targets=[{"Arn": arn("Function"), "Id": "Target0"}],
        ),
        "RulePermission": resource(
            "AWS::Lambda::Permission",
            Action="lambda:InvokeFunction",
            FunctionName=arn("Function"),
            Principal="events.amazonaws.com",
            SourceArn=arn("Rule"),
        ),
        "Schedule": resource(
            "AWS::Scheduler::Schedule",
            ScheduleExpression=f"rate({n + 1} days)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": arn("Function"), "RoleArn": arn("Role")},
        ),
        "Log": resource("AWS::Logs::LogGroup", RetentionInDays=7 if n % 2 else 14),
        "Metric": resource(
            "AWS::Logs::MetricFilter",
            LogGroupName={"Ref": "Log"},
            FilterPattern=f"ERROR{n}",
            MetricTransformations=[
                {"MetricName": "e", "MetricNamespace": "fruit", "MetricValue": "1"}
            ],
        ),
        "Alarm": resource("AWS::CloudWatch::Alarm", **alarm),
        "Dashboard": resource(
            "AWS::CloudWatch::Dashboard", DashboardName="fruit", DashboardBody=f'{{"a": {n}}}'
        ),
        "Machine": resource(
            "AWS::StepFunctions::StateMachine",
            RoleArn=arn("Role"),
            DefinitionString=json.dumps(
                {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": n, "End": True}}}
            ),
        ),
        "Pipeline": PIPELINE,
        "Project": PROJECT,
        "Reports": resource("AWS::CodeBuild::ReportGroup", Type="TEST", DeleteReports=bool(n % 2)),
        "GitHub": resource(
            "AWS::CodeBuild::Project",
            Description=str(n),
            ServiceRole=arn("Role"),
            Source={
                "Type": "GITHUB",
                "Location": "https://github.com/acme/fruit.git",
                "Auth": {"Type": "CODECONNECTIONS", "Resource": {"Ref": "Connection"}},
            },
            Artifacts={"Type": "NO_ARTIFACTS"},
            Environment=ENVIRONMENT,
            Triggers={"Webhook": True},
        ),
        "Repository": resource("AWS::CodeCommit::Repository", RepositoryName="fruit"),
        "Connection": resource(
            "AWS::CodeConnections::Connection", ConnectionName="github", ProviderType="GitHub"
        ),
        "Notify": resource(
            "AWS::CodeStarNotifications::NotificationRule",
            Name="failures",
            DetailType="FULL" if n % 2 else "BASIC",
            EventTypeIds=["codepipeline-pipeline-pipeline-execution-failed"],
            Resource={"Fn::Sub": "arn:aws:codepipeline:${AWS::Region}:${AWS::AccountId}:fruit"},
            Targets=[{"TargetType": "SNS", "TargetAddress": {"Ref": "Topic"}}],
        ),
        "Slack": resource(
            "AWS::Chatbot::SlackChannelConfiguration",
            ConfigurationName="releases",
            IamRoleArn=arn("Role"),
            SlackChannelId="C1",
            SlackWorkspaceId=f"T{n}",
        ),
        "Deploy": resource("AWS::CodeDeploy::Application", ComputePlatform="Lambda"),
        "Shifting": resource(
            "AWS::CodeDeploy::DeploymentConfig", ComputePlatform="Lambda", DeploymentConfigName="c"
        ),
        "Group": resource("AWS::CodeDeploy::DeploymentGroup", **code_deploy),
        "Visit": resource("AWS::Synthetics::Canary", Name="visit", RuntimeVersion=f"v{n}"),
        "Signed": resource("AWS::Lambda::CodeSigningConfig", Description=str(n)),
        "Packages": resource("AWS::CodeArtifact::Domain", DomainName="acme"),
        "Python": resource(
            "AWS::CodeArtifact::Repository", RepositoryName="python", DomainName="acme"
        ),
        "Scaled": resource(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            MaxCapacity=n,
            MinCapacity=1,
            ResourceId={"Fn::Join": ["", ["table/", {"Ref": "Table"}]]},
            ScalableDimension="dynamodb:table:ReadCapacityUnits",
            ServiceNamespace="dynamodb",
        ),
        "Scaling": resource(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            PolicyName="use",
            PolicyType="TargetTrackingScaling",
            ScalingTargetId={"Ref": "Scaled"},
        ),
        "Archive": resource(
            "AWS::Events::Archive",
            SourceArn={"Fn::Sub": "arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/a"},
            RetentionDays=n,
        ),
        "Query": resource("AWS::Logs::QueryDefinition", Name="errors", QueryString=f"limit {n}"),
        "Trail": resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName={"Ref": "Bucket"}),
        "Rotation": resource(
            "AWS::SecretsManager::RotationSchedule",
            SecretId={"Ref": "Secret"},
            RotationRules={"AutomaticallyAfterDays": n},
        ),
    }


def template(n: int, **also: Any) -> str:
    return json.dumps(application(f"v{n}", also=resources(n) | also))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with emulator() as address:
        yield address


def test_all_are_created_updated_rolled_back_and_deleted(endpoint: str) -> None:
    cloudformation = client("cloudformation", endpoint, PLACE)
    create_stack(cloudformation, "all", template(1))
    update_stack(cloudformation, "all", template(2))
    broken = {
        **resource("AWS::Synthetics::Canary", Name="visit"),
        "DependsOn": [*resources(3)],
    }
    with pytest.raises(RehearsalError, match=r"UPDATE_ROLLBACK_COMPLETE: Broken: .*already exists"):
        update_stack(cloudformation, "all", template(3, Broken=broken))
    assert read_back(endpoint) == {
        "parameter": "2",
        "topic": "releases 2",
        "queue": "32",
        "key": "2",
        "log": 14,
        "alias": "2",
        "alarm": 2.0,
        "batch": 2,
        "rule": "2",
        "dashboard": '{"a": 2}',
        "policy": "s3:Get2*",
        "encryption": True,
        "project": "2",
    }
    update_stack(cloudformation, "all", template(4))
    assert read_back(endpoint)["parameter"] == "4"
    s3 = client("s3", endpoint, PLACE)
    [bucket] = s3.list_buckets()["Buckets"]
    delete_stack(cloudformation, "all")
    with pytest.raises(ClientError, match=r"NoSuchBucket|Not Found|404"):
        s3.head_bucket(Bucket=bucket["Name"])
    for service, call, key in (
        ("lambda", "list_functions", "Functions"),
        ("sns", "list_topics", "Topics"),
        ("codebuild", "list_projects", "projects"),
        ("codepipeline", "list_pipelines", "pipelines"),
        ("iam", "list_roles", "Roles"),
        ("events", "list_rules", "Rules"),
        ("dynamodb", "list_tables", "TableNames"),
        ("lambda", "list_event_source_mappings", "EventSourceMappings"),
    ):
        assert getattr(client(service, endpoint, PLACE), call)()[key] == [], (service, call)


def read_back(endpoint: str) -> dict[str, Any]:
    def of(service: str) -> Any:
        return client(service, endpoint, PLACE)

    [topic] = of("sns").list_topics()["Topics"]
    [queue] = of("sqs").list_queues()["QueueUrls"]
    [key] = of("kms").list_keys()["Keys"]
    [function] = of("lambda").list_functions()["Functions"]
    [rule] = of("events").list_rules()["Rules"]
    [bucket] = of("s3").list_buckets()["Buckets"]
    [mapping] = of("lambda").list_event_source_mappings()["EventSourceMappings"]
    [alarm] = of("cloudwatch").describe_alarms()["MetricAlarms"]
    [role] = of("iam").list_roles()["Roles"]
    logs = of("logs").describe_log_groups()["logGroups"]
    policy = of("iam").get_role_policy(RoleName=role["RoleName"], PolicyName="p")
    [project] = of("codebuild").batch_get_projects(
        names=[name for name in of("codebuild").list_projects()["projects"] if name != "tests"]
    )["projects"]
    encryption = of("s3").get_bucket_encryption(Bucket=bucket["Name"])
    rules = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    key_arn = key["KeyArn"]
    return {
        "parameter": of("ssm").get_parameter(Name="/fruit/version")["Parameter"]["Value"],
        "topic": of("sns").get_topic_attributes(**{"TopicArn": topic["TopicArn"]})["Attributes"][
            "DisplayName"
        ],
        "queue": of("sqs").get_queue_attributes(
            QueueUrl=queue, AttributeNames=["VisibilityTimeout"]
        )["Attributes"]["VisibilityTimeout"],
        "key": of("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Description"],
        "log": next(
            each["retentionInDays"] for each in logs if "AccessLog" not in each["logGroupName"]
        ),
        "alias": of("lambda").get_alias(FunctionName=function["FunctionName"], Name="live")[
            "FunctionVersion"
        ],
        "alarm": alarm["Threshold"],
        "batch": mapping["BatchSize"],
        "rule": rule["Description"],
        "encryption": rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key_arn,
        "dashboard": of("cloudwatch").get_dashboard(DashboardName="fruit")["DashboardBody"],
        "policy": policy["PolicyDocument"]["Statement"][0]["Action"],
        "project": project["description"],
    }
