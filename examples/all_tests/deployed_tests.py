"""Every typed test of a deployed stack once, and other tools that the DPRA names as plain tests."""

from aws_cdk import Duration

from dpra_constructs.build_actions import CodeBuildProject, Permission, Report
from dpra_constructs.test_actions import (
    AcceptanceTest,
    BuildNetwork,
    Cucumber,
    Cypress,
    DatabaseMigration,
    FaultInjection,
    Gatling,
    IntegrationTest,
    JMeter,
    Locust,
    Playwright,
    Selenium,
    SoapUi,
    Thresholds,
    ZapBaseline,
)

API = {"API_URL": "ApiUrl"}
# Of the publisher's release page, for the version beside it.
UNKNOWN = "0" * 64
# Test Studio runs on Windows: on a machine of the team's, which Systems Manager reaches.
RUNNER = "i-0123456789abcdef0"

VREST = IntegrationTest(
    [
        "mkdir -p reports",
        "./node_modules/.bin/vrest-ng-cli run --projectdir=tests/vrest --env=Beta"
        ' --logger=xunit --logfilepath="$PWD/reports/vrest.xml"',
    ],
    name="Vrest",
    install=["npm ci --no-audit --no-fund"],
    outputs=API,
    reports=[Report("vrest", ["reports/vrest.xml"])],
)

TELERIK = AcceptanceTest(
    [
        "mkdir -p reports",
        # The script runs ArtOfTest.Runner.exe, and prints the results as JUnit's XML.
        "id=$(aws ssm send-command --document-name AWS-RunPowerShellScript"
        f" --instance-ids {RUNNER} --query Command.CommandId --output text"
        """ --parameters "{\\"commands\\": [\\"C:/tests/run-test-studio.ps1 $API_URL\\"]}")""",
        f'aws ssm wait command-executed --command-id "$id" --instance-id {RUNNER}',
        f'aws ssm get-command-invocation --command-id "$id" --instance-id {RUNNER}'
        " --query StandardOutputContent --output text >reports/telerik.xml",
    ],
    name="Telerik",
    outputs=API,
    reports=[Report("telerik", ["reports/telerik.xml"])],
    permissions=[
        Permission(
            actions=["ssm:SendCommand"],
            resources=[
                "arn:{partition}:ssm:{region}::document/AWS-RunPowerShellScript",
                f"arn:{{partition}}:ec2:{{region}}:{{account}}:instance/{RUNNER}",
            ],
        ),
        Permission(
            actions=["ssm:GetCommandInvocation"],
            resources=["*"],
            reason="The action knows no resources; it only reads results",
        ),
    ],
)

INTEGRATION = [
    SoapUi(
        "tests/api.xml",
        name="SoapUi",
        endpoint="API_URL",
        outputs=API,
        version="5.8.0",
        sha256={"*": UNKNOWN},
    ),
    VREST,
]
ACCEPTANCE = [
    Cucumber(name="Cucumber", outputs=API),
    Cypress(name="Cypress", outputs={"CYPRESS_BASE_URL": "ApiUrl"}),
    Playwright(name="Playwright", outputs=API, run_on_rollback=True),
    Selenium(name="Selenium", requirements=["tests/requirements.txt"], outputs=API),
    TELERIK,
]
PERFORMANCE = [
    Locust(
        "tests/load.py",
        name="Locust",
        users=300,
        run_time=Duration.minutes(5),
        thresholds=Thresholds(p95_ms=300, error_percent=0.1, per_second=50),
        outputs={"LOCUST_HOST": "ApiUrl"},
    ),
    JMeter(
        "tests/load.jmx",
        name="JMeter",
        properties={"host": "$API_URL"},
        outputs=API,
        version="5.6.3",
        sha256={"*": UNKNOWN},
    ),
    Gatling(name="Gatling", outputs=API),
]
SECURITY = [
    ZapBaseline(
        "SITE", name="Zap", outputs={"SITE": "ApiUrl"}, version="2.16.1", sha256={"*": UNKNOWN}
    )
]
RESILIENCE = [FaultInjection("SlowTable", timeout=Duration.minutes(15))]
MIGRATIONS = [
    DatabaseMigration(
        "flyway",
        changes="database/migrations",
        url_output="DatabaseUrl",
        access="Login",
        project=CodeBuildProject(image="flyway/flyway:11.8.0"),
        network=BuildNetwork(
            vpc_id="vpc-0123456789abcdef0",
            subnet_ids=["subnet-0123456789abcdef0"],
            security_group_ids=["sg-0123456789abcdef0"],
        ),
    )
]
