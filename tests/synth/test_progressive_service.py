"""A container that is deployed a part of its requests at a time."""

from typing import Any

import pytest
from aws_cdk import App, Duration, Stack, Stage
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Annotations, Match

from dpra_constructs import InvalidArgumentError
from dpra_constructs.build_actions import PushedImage
from dpra_constructs.monitoring import ApplicationLogs
from dpra_constructs.progressive_deployment import ProgressiveService, TrafficShift
from dpra_constructs.progressive_deployment.deployed_progressively import deployed_progressively
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.synth.every_health_alarm import function as plain_function
from tests.synth.test_deployment_health import TARGET, application, health, template_of

CANARY = TrafficShift.canary(5, Duration.minutes(10))
DIGEST = "sha256:" + 64 * "0"
ADDRESS = f"111111111111.dkr.ecr.us-west-2.amazonaws.com/acme/shop@{DIGEST}"
IMAGE = PushedImage(repository="acme/shop", digest=DIGEST, uri=ADDRESS)
CERTIFICATE = (
    "arn:aws:acm:eu-central-1:444444444444:certificate/11111111-2222-3333-4444-555555555555"
)
REASON = "TLS ends at the proxy of the platform"


def network(stack: Stack) -> ec2.Vpc:
    made = ec2.Vpc(stack, "Network", max_azs=2, restrict_default_security_group=False)
    made.add_flow_log("FlowLog")
    return made


def service(stack: Stack, **given: Any) -> ProgressiveService:
    arguments = {
        "target": TARGET,
        "shift": CANARY,
        "image": IMAGE,
        "port": 8080,
        "unencrypted_because": REASON,
        **given,
    }
    if "vpc" not in given:
        arguments["vpc"] = network(stack)
    if "logs" not in given:
        arguments["logs"] = ApplicationLogs(stack, "Logs", target=TARGET)
    return ProgressiveService(stack, "Shop", **arguments)


def message(**given: Any) -> str:
    with pytest.raises(InvalidArgumentError) as raised:
        service(application(), **given)
    return str(raised.value)


def deployment(template: dict[str, Any]) -> dict[str, Any]:
    [made] = resources(template, "AWS::ECS::Service")
    return dict(made["DeploymentConfiguration"])


@pytest.mark.parametrize(
    ("shift", "strategy", "configuration"),
    [
        (
            CANARY,
            "CANARY",
            {"CanaryConfiguration": {"CanaryPercent": 5, "CanaryBakeTimeInMinutes": 10}},
        ),
        (
            TrafficShift.linear(33.3, Duration.minutes(5)),
            "LINEAR",
            {"LinearConfiguration": {"StepPercent": 33.3, "StepBakeTimeInMinutes": 5}},
        ),
        (TrafficShift.all_at_once(), "BLUE_GREEN", {}),
    ],
)
def test_the_shift_is_the_strategy_of_the_service(
    shift: TrafficShift, strategy: str, configuration: dict[str, Any]
) -> None:
    stack = application()
    made = service(stack, shift=shift, bake=Duration.minutes(20))
    found = deployment(template_of(stack))
    assert (found["Strategy"], found["BakeTimeInMinutes"]) == (strategy, 20)
    named = ("CanaryConfiguration", "LinearConfiguration")
    assert {name: found[name] for name in named if name in found} == configuration
    assert deployed_progressively(Stage.of(stack)) == ((made,) if shift.is_progressive else ())


def test_a_deployment_rolls_back_on_alarms_of_the_load_balancer_and_when_tasks_do_not_start() -> (
    None
):
    stack = application()
    service(stack, alarms=["fruit-synthetic"])
    found = deployment(template_of(stack))
    assert (found["Alarms"]["Enable"], found["Alarms"]["Rollback"]) == (True, True)
    named = [
        each if isinstance(each, str) else each["Ref"][:-8]
        for each in found["Alarms"]["AlarmNames"]
    ]
    assert named == [
        "fruit-synthetic",
        "ShopBalancingLoadBalancerErrorRateAlarm",
        "ShopBalancingLoadBalancerRejectedConnectionsAlarm",
        "ShopBalancingBlueErrorRateAlarm",
        "ShopBalancingBlueLatencyAlarm",
        "ShopBalancingBlueUnhealthyTargetsAlarm",
        "ShopBalancingGreenErrorRateAlarm",
        "ShopBalancingGreenLatencyAlarm",
        "ShopBalancingGreenUnhealthyTargetsAlarm",
    ]
    assert found["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_two_target_groups_and_a_rule_of_which_ecs_alone_writes_the_weights() -> None:
    stack = application()
    service(stack)
    template = template_of(stack)
    [made] = resources(template, "AWS::ECS::Service")
    [balancer] = made["LoadBalancers"]
    [rule] = resources(template, "AWS::ElasticLoadBalancingV2::ListenerRule")
    groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    advanced = balancer["AdvancedConfiguration"]
    assert [each["Weight"] for each in groups] == [1, 0]
    assert balancer["TargetGroupArn"] == groups[0]["TargetGroupArn"]
    assert advanced["AlternateTargetGroupArn"] == groups[1]["TargetGroupArn"]
    shifting = template["Resources"][advanced["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    [trust] = shifting["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "ecs.amazonaws.com"}
    _, tasks, listener, weights = shifting["Policies"][0]["PolicyDocument"]["Statement"]
    assert weights["Resource"] == advanced["ProductionListenerRule"]
    assert tasks["Resource"] == [each["TargetGroupArn"] for each in groups]
    assert listener["Action"] == "elasticloadbalancing:ModifyListener"


def test_the_image_is_named_by_its_digest_and_may_be_pulled_from_its_repository_alone() -> None:
    stack = application()
    service(stack)
    template = template_of(stack)
    [task] = resources(template, "AWS::ECS::TaskDefinition")
    [container] = task["ContainerDefinitions"]
    assert container["Image"] == ADDRESS
    assert container["ReadonlyRootFilesystem"] is True
    role = template["Resources"][task["ExecutionRoleArn"]["Fn::GetAtt"][0]]["Properties"]
    pulls, logs_in = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert pulls["Resource"]["Fn::Join"][1][-1] == (
        ":ecr:us-west-2:111111111111:repository/acme/shop"
    )
    assert (logs_in["Action"], logs_in["Resource"]) == ("ecr:GetAuthorizationToken", "*")


def test_tasks_have_no_public_address_and_are_asked_by_the_load_balancer_alone() -> None:
    stack = application()
    service(stack, internet_facing=True)
    template = template_of(stack)
    [made] = resources(template, "AWS::ECS::Service")
    configuration = made["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert configuration["AssignPublicIp"] == "DISABLED"
    assert all("Private" in each["Ref"] for each in configuration["Subnets"])
    [ingress] = resources(template, "AWS::EC2::SecurityGroupIngress")
    assert ingress["FromPort"] == 8080
    assert ingress["SourceSecurityGroupId"]["Fn::GetAtt"][0].startswith("ShopBalancing")


def test_the_load_balancer_is_internal_unless_it_is_said() -> None:
    for internet_facing, scheme, open_to in (
        (False, "internal", []),
        (True, "internet-facing", [80]),
    ):
        stack = application()
        service(stack, internet_facing=internet_facing)
        template = template_of(stack)
        [balancer] = resources(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")
        assert balancer["Scheme"] == scheme
        assert [
            rule["FromPort"]
            for group in resources(template, "AWS::EC2::SecurityGroup")
            for rule in group.get("SecurityGroupIngress", [])
            if rule.get("CidrIp") == "0.0.0.0/0"
        ] == open_to


def test_the_load_balancer_speaks_tls_with_a_certificate() -> None:
    stack = application()
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
    service(stack, certificate=certificate, unencrypted_because=None)
    [listener] = resources(template_of(stack), "AWS::ElasticLoadBalancingV2::Listener")
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    assert listener["Certificates"] == [{"CertificateArn": CERTIFICATE}]


def test_what_is_logged_is_encrypted_and_kept() -> None:
    stack = application()
    service(stack)
    template = template_of(stack)
    [balancer] = resources(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    attributes = {each["Key"]: each["Value"] for each in balancer["LoadBalancerAttributes"]}
    assert attributes["access_logs.s3.enabled"] == "true"
    assert attributes["deletion_protection.enabled"] == "true"
    [container] = resources(template, "AWS::ECS::TaskDefinition")[0]["ContainerDefinitions"]
    group = container["LogConfiguration"]["Options"]["awslogs-group"]["Ref"]
    properties = template["Resources"][group]["Properties"]
    assert properties["RetentionInDays"] == 90
    assert "KmsKeyId" in properties


def test_secrets_come_by_reference_and_never_in_the_environment() -> None:
    stack = application()
    secret = secretsmanager.Secret(stack, "Token")
    service(
        stack,
        environment={"LOG_LEVEL": "INFO"},
        secrets={"TOKEN": ecs.Secret.from_secrets_manager(secret)},
    )
    [container] = resources(template_of(stack), "AWS::ECS::TaskDefinition")[0][
        "ContainerDefinitions"
    ]
    assert container["Environment"] == [{"Name": "LOG_LEVEL", "Value": "INFO"}]
    assert [each["Name"] for each in container["Secrets"]] == ["TOKEN"]


def test_a_hook_is_called_at_its_stages() -> None:
    stack = application()
    made = service(stack)
    made.add_lifecycle_hook(
        plain_function(stack, "Check"), [ecs.DeploymentLifecycleStage.POST_SCALE_UP]
    )
    template = template_of(stack)
    [hook] = deployment(template)["LifecycleHooks"]
    assert hook["LifecycleStages"] == ["POST_SCALE_UP"]
    role = template["Resources"][hook["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    [statement] = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (
        "lambda:InvokeFunction",
        hook["HookTargetArn"],
    )


@pytest.mark.parametrize(
    "shift", [CANARY, TrafficShift.linear(20, Duration.minutes(5)), TrafficShift.all_at_once()]
)
def test_the_test_listener_is_written_by_ecs_and_open_to_nobody(shift: TrafficShift) -> None:
    stack = application()
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
    made = service(
        stack,
        shift=shift,
        certificate=certificate,
        unencrypted_because=None,
        internet_facing=True,
        test_port=8443,
    )
    assert made.test_listener is not None
    template = template_of(stack)
    [running] = resources(template, "AWS::ECS::Service")
    advanced = running["LoadBalancers"][0]["AdvancedConfiguration"]
    rule = template["Resources"][advanced["TestListenerRule"]["Ref"]]["Properties"]
    groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    assert [each["TargetGroupArn"] for each in groups] == [
        running["LoadBalancers"][0]["TargetGroupArn"],
        advanced["AlternateTargetGroupArn"],
    ]
    listener = template["Resources"][rule["ListenerArn"]["Ref"]]["Properties"]
    assert (listener["Port"], listener["Protocol"]) == (8443, "HTTPS")
    assert listener["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    shifting = template["Resources"][advanced["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    _, _, listeners, rules = shifting["Policies"][0]["PolicyDocument"]["Statement"]
    assert rule["ListenerArn"] in listeners["Resource"]
    assert rules["Resource"] == [advanced["ProductionListenerRule"], advanced["TestListenerRule"]]
    let_in = [
        each["FromPort"]
        for group in resources(template, "AWS::EC2::SecurityGroup")
        for each in group.get("SecurityGroupIngress", [])
    ]
    assert let_in == [443]
    [tasks] = resources(template, "AWS::EC2::SecurityGroupIngress")
    assert tasks["FromPort"] == 8080


def test_a_hook_is_let_in_to_the_test_listener_and_called_when_it_has_the_new_tasks() -> None:
    stack = application()
    vpc = network(stack)
    made = service(stack, vpc=vpc, test_port=8080)
    assert made.test_listener is not None
    tester = ec2.SecurityGroup(stack, "Tester", vpc=vpc)
    made.test_listener.connections.allow_default_port_from(tester)
    check = plain_function(stack, "Check")
    made.add_lifecycle_hook(check, [ecs.DeploymentLifecycleStage.POST_TEST_TRAFFIC_SHIFT])
    template = template_of(stack)
    [hook] = deployment(template)["LifecycleHooks"]
    assert hook["LifecycleStages"] == ["POST_TEST_TRAFFIC_SHIFT"]
    ingress = resources(template, "AWS::EC2::SecurityGroupIngress")
    [let_in] = [each for each in ingress if each["SourceSecurityGroupId"] == reference(tester)]
    assert let_in["GroupId"]["Fn::GetAtt"][0].startswith("ShopBalancing")
    assert let_in["FromPort"] == 8080


def reference(group: ec2.SecurityGroup) -> Any:
    return Stack.of(group).resolve(group.security_group_id)


def test_without_a_test_listener_there_is_no_test_traffic_to_hook() -> None:
    stack = application()
    made = service(stack)
    assert made.test_listener is None
    with pytest.raises(
        InvalidArgumentError,
        match="stages has TEST_TRAFFIC_SHIFT, and there is no listener for test traffic; "
        "give the service test_port=8443",
    ):
        made.add_lifecycle_hook(
            plain_function(stack, "Check"), [ecs.DeploymentLifecycleStage.TEST_TRAFFIC_SHIFT]
        )


def test_a_hook_needs_a_function_and_a_stage() -> None:
    stack = application()
    made = service(stack)
    with pytest.raises(InvalidArgumentError, match="function='check' is of type str"):
        made.add_lifecycle_hook("check", [])  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="are no stages of a deployment"):
        made.add_lifecycle_hook(plain_function(stack, "Check"), [])


def test_alarms_of_the_tasks_are_for_the_health_and_roll_nothing_back() -> None:
    stack = application()
    made = service(stack)
    assert [each.definition.id for each in made.alarms[-3:]] == ["Cpu", "Memory", "RunningTasks"]
    assert made.alarms[-1].definition.threshold == 2


def test_nothing_warns_when_it_is_synthesized() -> None:
    app = App()
    made = service(application(app))
    health(Stack.of(made), alarms=made.alarms)
    found = Annotations.from_stack(Stack.of(made)).find_warning("*", Match.any_value())
    assert [str(each.entry.data) for each in found] == []


def test_nothing_is_left_to_cdk_nag() -> None:
    app = App()
    stack = application(app)
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
    made = service(
        stack,
        certificate=certificate,
        unencrypted_because=None,
        internet_facing=True,
        test_port=8443,
        environment={"LOG_LEVEL": "INFO"},
    )
    health(stack, alarms=made.alarms)
    assert unacknowledged_findings(app) == []


def test_a_listener_without_tls_is_acknowledged_with_the_reason_that_was_given() -> None:
    app = App()
    service(application(app), test_port=8080)
    assert unacknowledged_findings(app) == []


def test_every_argument_is_checked() -> None:
    for given, said in (
        ({"target": "prod"}, "target='prod' is of type str"),
        ({"shift": 10}, "shift=10 is of type int"),
        ({"logs": None}, "logs=None is of type NoneType"),
        ({"image": "nginx"}, "image='nginx' is of type str"),
        ({"port": 0}, "port=0 is not a whole number from 1 to 65535"),
        ({"desired_count": 0}, "desired_count=0 is not a whole number from 1 to 5000"),
        ({"internet_facing": 1}, "internet_facing=1 is not True or False"),
        ({"read_only": None}, "read_only=None is not True or False"),
        ({"cpu": 300}, "cpu=300 is not one of 256, 512, 1024"),
        ({"memory_mib": 4096}, "memory_mib=4096 is none that Fargate has for cpu=256: 512, 1024"),
        ({"test_port": 0}, "test_port=0 is not a whole number from 1 to 65535"),
        ({"test_port": 80}, "test_port=80 is the port that clients ask"),
        ({"health_check_path": "health"}, "health_check_path='health' does not begin with /"),
        ({"environment": {"API_TOKEN": "x"}}, "environment has API_TOKEN, which by its name"),
        ({"bake": 5}, "bake=5 is not a Duration"),
        ({"bake": Duration.days(2)}, "bake=2880 minutes is not between 0 and 1440 minutes"),
        ({"unencrypted_because": None}, "it has no certificate"),
        ({"unencrypted_because": "none"}, "it has no certificate"),
        ({"certificate": "arn", "unencrypted_because": None}, "certificate='arn' is of type str"),
        ({"certificate": "arn"}, "certificate and unencrypted_because are given"),
        ({"shift": TrafficShift.linear(2, Duration.minutes(5))}, "the shift is 2 % every 5"),
    ):
        assert f'ProgressiveService "Shop": {said}' in message(**given)


def test_an_image_of_another_registry_is_refused() -> None:
    image = PushedImage(repository="shop", digest=DIGEST, uri=f"acme.example/shop@{DIGEST}")
    assert "which is not Amazon ECR's" in message(image=image)


def test_a_shift_that_ends_before_its_alarms_show_anything_is_refused() -> None:
    assert "and its alarms show a bad version after 5" in message(
        shift=TrafficShift.canary(50, Duration.minutes(2)), bake=Duration.minutes(1)
    )
