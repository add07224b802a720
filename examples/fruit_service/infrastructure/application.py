"""The application: a container on Fargate behind a load balancer, one stack for each target."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CfnOutput, Duration, Fn, Stack, Stage
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct
from dpra_constructs import DeploymentTarget, InvalidArgumentError
from dpra_constructs.build_actions import PushedImage, pushed_image
from dpra_constructs.monitoring import ApplicationLogs, BrowserSyntheticTest, DeploymentHealth
from dpra_constructs.progressive_deployment import ProgressiveService, TrafficShift

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "fruit-service"


class Web(Stack):
    """A stack in any two zones that its account has in its region."""

    @property
    def availability_zones(self) -> list[str]:
        # Else the synthesis would ask each account for its zones, and a build may not.
        return [Fn.select(each, Fn.get_azs()) for each in range(2)]


class FruitService(Stage):
    """The fruit service in one account and region."""

    def __init__(
        self, scope: Construct, id: str, target: DeploymentTarget, *, root: Path = ROOT
    ) -> None:
        super().__init__(scope, id, env=target.env)
        stack = Web(self, "Web", description="Sells fruit.")
        logs = ApplicationLogs(stack, "Logs", target=target)
        zone = route53.HostedZone.from_hosted_zone_attributes(
            stack,
            "Zone",
            hosted_zone_id=target.configuration["HOSTED_ZONE_ID"],
            zone_name=target.configuration["HOSTED_ZONE_NAME"],
        )
        # An address for each region, so that each has a synthetic test of its own.
        domain = f"{REPOSITORY}-{target.region}.{zone.zone_name}"
        url = f"https://{domain}"
        # In beta nothing bakes: the tests of the pipeline use it, and an idle browser would cost.
        tests = [] if target.environment == "beta" else [_browser_test(stack, target, url)]
        service = ProgressiveService(
            stack,
            "Shop",
            target=target,
            shift=TrafficShift.for_target(target, TrafficShift.canary(10, Duration.minutes(5))),
            bake=Duration.minutes(5),
            # The service's own come by themselves.
            alarms=[test.alarm for test in tests],
            logs=logs,
            image=_image(stack, root),
            vpc=_network(stack, target, logs),
            port=8080,
            health_check_path="/health",
            certificate=acm.Certificate(
                stack,
                "Certificate",
                domain_name=domain,
                validation=acm.CertificateValidation.from_dns(zone),
            ),
            internet_facing=True,
            environment={"LOG_LEVEL": target.configuration.get("LOG_LEVEL", "INFO")},
        )
        address = route53.ARecord(
            stack,
            "Address",
            zone=zone,
            record_name=domain,
            target=route53.RecordTarget.from_alias(
                targets.LoadBalancerTarget(service.load_balancer)
            ),
        )
        for test in tests:
            # Its first run is to find the shop. The alarm is there before both.
            test.canary.node.add_dependency(address, service.service)
        CfnOutput(stack, "ServiceUrl", value=url)
        DeploymentHealth(
            stack,
            "Health",
            target=target,
            alarms=[*service.alarms, *(test.alarm for test in tests)],
        )


def image_in(folder: Path) -> PushedImage:
    """Return the image that the build pushed; the folder is the output of `EcrPush`.

    Raises:
        InvalidArgumentError: there is none, or the file says something else.
    """
    file = folder / "image.json"
    if file.is_file():
        return pushed_image(file.read_text("utf-8"))
    raise InvalidArgumentError(
        "FruitService",
        f"{folder.parent.name}/{folder.name} has no image.json, and the container's image is the "
        "one that the pipeline's action Publish pushed",
        "let the pipeline synthesize it; on a workstation, work on the pipeline alone, like "
        "cdk synth --exclusively FruitServicePipeline",
    )


def _browser_test(stack: Stack, target: DeploymentTarget, url: str) -> BrowserSyntheticTest:
    return BrowserSyntheticTest(
        stack,
        "Basket",
        target=target,
        base_url=url,
        folder=str(ROOT / "tests" / "synthetic"),
        schedule=Duration.minutes(1),
    )


def _image(stack: Stack, root: Path) -> PushedImage:
    if stack.bundling_required:
        return image_in(root / "image")
    # `cdk list`, `cdk deploy --exclusively FruitServicePipeline` and `dpra build` look at the app
    # before an image was pushed, and deploy none.
    digest = f"sha256:{64 * '0'}"
    uri = f"{stack.account}.dkr.ecr.{stack.region}.amazonaws.com/{REPOSITORY}@{digest}"
    return PushedImage(repository=REPOSITORY, digest=digest, uri=uri)


def _network(stack: Stack, target: DeploymentTarget, logs: ApplicationLogs) -> ec2.Vpc:
    return ec2.Vpc(
        stack,
        "Network",
        max_azs=2,
        # A zone that fails takes the way to the registry with it only where no customer is.
        nat_gateways=2 if target.is_production else 1,
        subnet_configuration=[
            ec2.SubnetConfiguration(
                name="LoadBalancer",
                subnet_type=ec2.SubnetType.PUBLIC,
                cidr_mask=24,
                map_public_ip_on_launch=False,
            ),
            ec2.SubnetConfiguration(
                name="Tasks", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=22
            ),
        ],
        # Nothing is in the default security group; closing it takes a function of its own.
        restrict_default_security_group=False,
        flow_logs={
            "Rejected": ec2.FlowLogOptions(
                destination=ec2.FlowLogDestination.to_cloud_watch_logs(logs.log_group("Network")),
                traffic_type=ec2.FlowLogTrafficType.REJECT,
            )
        },
    )
