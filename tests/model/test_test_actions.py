"""The typed tests of deployed stacks: what they render and what they refuse."""

import shlex
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration

from dpra_constructs import InvalidArgumentError, Requirement
from dpra_constructs.build_actions import (
    CodeBuildProject,
    Permission,
    SecretsManagerSecret,
    SecureParameter,
)
from dpra_constructs.test_actions import (
    AcceptanceTest,
    BuildNetwork,
    Cucumber,
    Cypress,
    DatabaseMigration,
    DeployedTest,
    FaultInjection,
    Gatling,
    IntegrationTest,
    JMeter,
    Locust,
    Playwright,
    Selenium,
    SoapUi,
    Thresholds,
    ToDeployedTest,
    ZapBaseline,
)

FILE: Any = {"version": "1.2.3", "sha256": {"*": "0" * 64}}
FIVE = Duration.minutes(5)
SECRET = SecretsManagerSecret("fruit/database")
EVERY: list[Any] = [
    Cucumber(tags="@smoke", outputs={"API_URL": "ApiUrl"}),
    Cypress(specs=["cypress/e2e/*.cy.js"], outputs={"CYPRESS_BASE_URL": "Api.Url"}),
    Gatling(),
    JMeter("load.jmx", properties={"host": "$HOST"}, outputs={"HOST": "ApiHost"}, **FILE),
    Locust("tests/load.py", users=300, run_time=FIVE, outputs={"LOCUST_HOST": "ApiUrl"}),
    Playwright(directory="web", browsers=["chromium", "webkit"]),
    Selenium(requirements=["tests/requirements.txt"]),
    SoapUi("api.xml", suite="Smoke", endpoint="API", outputs={"API": "ApiUrl"}, **FILE),
    ZapBaseline("SITE_URL", outputs={"SITE_URL": "SiteUrl"}, **FILE),
]
IDS = [type(each).__name__ for each in EVERY]


@pytest.mark.parametrize("typed", EVERY, ids=IDS)
def test_each_is_a_test_of_a_deployed_stack_with_a_report(typed: Any) -> None:
    outputs = typed.outputs
    assert isinstance(typed, ToDeployedTest)
    test = typed.to_deployed_test()
    assert isinstance(test, DeployedTest)
    assert test.to_deployed_test() is test
    assert test.reports
    assert test.outputs == outputs
    assert not test.run_on_rollback


@pytest.mark.parametrize("typed", EVERY, ids=IDS)
def test_each_command_is_one_that_the_shell_can_read(typed: Any) -> None:
    test = typed.to_deployed_test()
    script = "\n".join([*test.install, *test.command])
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert "curl" not in script or "sha256sum --check" in script
    assert "@latest" not in script


@pytest.mark.parametrize("typed", EVERY, ids=IDS)
def test_each_is_frozen_and_says_when_it_runs(typed: Any) -> None:
    with pytest.raises(AttributeError):
        typed.name = "Other"


def test_what_all_share_reaches_the_test() -> None:
    test = Playwright(
        name="Checkout",
        environment={"LEVEL": "high"},
        outputs={"URL": "Web.Url"},
        secrets={"PASSWORD": SecureParameter("/acme/password")},
        run_on_rollback=True,
        install=["make tools"],
    ).to_deployed_test()
    assert test.name == "Checkout"
    assert test.environment["LEVEL"] == "high"
    assert test.secrets == {"PASSWORD": SecureParameter("/acme/password")}
    assert test.run_on_rollback
    assert test.install[-1] == "make tools"


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        (
            EVERY[0],
            "./node_modules/.bin/cucumber-js --format progress --format "
            "json:reports/cucumber.json --tags @smoke",
        ),
        (
            EVERY[1],
            "./node_modules/.bin/cypress run --spec 'cypress/e2e/*.cy.js' --reporter junit "
            "--reporter-options 'mochaFile=reports/cypress-[hash].xml'",
        ),
        (EVERY[2], "./mvnw --batch-mode gatling:test"),
        (
            EVERY[3],
            "jmeter -n -t load.jmx -l reports/jmeter.jtl -j reports/jmeter.log "
            "-Jjmeter.save.saveservice.output_format=csv "
            '-Jjmeter.save.saveservice.print_field_names=true -Jhost="$HOST"',
        ),
        (
            EVERY[4],
            "locust --headless --locustfile tests/load.py --users 300 --spawn-rate 10 --run-time "
            "300s --csv reports/locust --only-summary --exit-code-on-error 0",
        ),
        (EVERY[5], "(cd web && ./node_modules/.bin/playwright test --reporter=list,junit)"),
        (EVERY[6], "python -m pytest --junit-xml=reports/selenium.xml tests/acceptance"),
        (EVERY[7], 'testrunner.sh -j -r -f reports/soapui -s Smoke -e "$API" api.xml'),
        (EVERY[8], 'zap.sh -cmd -autorun "$PWD/reports/zap-plan.yaml" || status=$?'),
    ],
    ids=IDS,
)
def test_commands(typed: Any, command: str) -> None:
    lines = [line for each in typed.to_deployed_test().command for line in each.splitlines()]
    assert command in lines


def test_reports_are_where_the_project_is() -> None:
    [report] = EVERY[5].to_deployed_test().reports
    assert report.files == ("web/reports/playwright.xml",)


def test_the_scan_puts_the_address_and_the_folder_into_its_plan() -> None:
    test = EVERY[8].to_deployed_test()
    [plan] = [each for each in test.command if "PLAN" in each]
    written = subprocess.run(
        ["bash", "-c", plan.replace(">reports/zap-plan.yaml", "")],
        capture_output=True,
        text=True,
        timeout=20,
        env={"SITE_URL": "https://fruit.example", "PATH": "/usr/bin:/bin"},
        cwd="/",
    ).stdout
    import yaml

    read = yaml.safe_load(written)
    assert read["env"]["contexts"][0]["urls"] == ["https://fruit.example"]
    assert [job["type"] for job in read["jobs"]] == ["spider", "passiveScan-wait", "report"]


def test_load_tests_and_scans_say_what_they_meet() -> None:
    assert {
        type(each).__name__: each.to_deployed_test().meets
        for each in EVERY
        if (each.to_deployed_test().meets)
    } == {
        "Gatling": (Requirement.GAMMA_PERFORMANCE,),
        "JMeter": (Requirement.GAMMA_PERFORMANCE,),
        "Locust": (Requirement.GAMMA_PERFORMANCE,),
        "ZapBaseline": (Requirement.GAMMA_DAST,),
    }


def test_thresholds_are_in_the_command() -> None:
    limits = Thresholds(p95_ms=300, error_percent=0.5, per_second=20)
    test = Locust("load.py", users=1, run_time=FIVE, thresholds=limits).to_deployed_test()
    first = shlex.split(test.command[-1].splitlines()[0].partition(" <<")[0])
    assert first == [
        "python3",
        "-I",
        "-",
        "locust",
        "reports/locust_stats.csv",
        "reports/thresholds.xml",
        "--p95-ms=300",
        "--error-percent=0.5",
        "--per-second=20",
    ]


def test_an_experiment_is_a_test_that_assumes_the_role_of_its_region() -> None:
    fault = FaultInjection("SlowTable", timeout=FIVE)
    role = "arn:{partition}:iam::333333333333:role/fruit-gamma-us-east-1-experiment"
    test = fault.in_region("us-east-1", role_arn=role, alarm="fruit-health", output="Api.Id")
    assert test.permissions == (Permission(actions=["sts:AssumeRole"], resources=[role]),)
    assert test.outputs == {"FIS_TEMPLATE": "Api.Id"}
    assert test.meets == fault.MEETS == (Requirement.GAMMA_RESILIENCE,)
    assert not test.run_on_rollback
    first, _, program = test.command[0].partition("\n")
    assert first == (
        "python3 -I - FaultInjection reports/fault-injection.xml --region=us-east-1 "
        '--alarm=fruit-health --minutes=5 --role="arn:$(echo "$CODEBUILD_BUILD_ARN" | '
        "cut -d: -f2):iam::333333333333:role/fruit-gamma-us-east-1-experiment\" <<'PYTHON'"
    )
    compile(program.removesuffix("PYTHON"), "program", "exec")


@pytest.mark.parametrize(
    ("tool", "changes", "line", "variables"),
    [
        (
            "flyway",
            "database",
            "flyway -locations=filesystem:database migrate",
            ("FLYWAY_URL", "FLYWAY_USER", "FLYWAY_PASSWORD"),
        ),
        (
            "liquibase",
            "database/log.xml",
            "liquibase update --changelog-file=database/log.xml",
            (
                "LIQUIBASE_COMMAND_URL",
                "LIQUIBASE_COMMAND_USERNAME",
                "LIQUIBASE_COMMAND_PASSWORD",
            ),
        ),
    ],
)
def test_a_migration_logs_in_by_variables_and_never_by_its_command(
    tool: str, changes: str, line: str, variables: tuple[str, str, str]
) -> None:
    url, user, password = variables
    action = migration(tool=tool, changes=changes).with_credentials()
    assert action.command == (line,)
    assert action.outputs == {url: "Url"}
    assert action.secrets == {
        user: SecretsManagerSecret("fruit/database", json_key="username"),
        password: SecretsManagerSecret("fruit/database", json_key="password"),
    }
    role = "arn:{partition}:iam::3:role/r"
    given = migration(tool=tool, changes=changes, credentials=None, access="Access").with_access(
        "us-east-1", role_arn=role, secret_output="AccessSecretArn", user=None
    )
    first, _, program = given.command[0].partition("\n")
    assert first.endswith(f":iam::3:role/r\" -- {line} <<'PYTHON'")
    compile(program.removesuffix("PYTHON"), "program", "exec")
    assert given.outputs == {url: "Url", "DATABASE_ACCESS": "AccessSecretArn"}
    assert given.permissions == (Permission(actions=["sts:AssumeRole"], resources=[role]),)
    assert not given.secrets


def test_a_migration_downloads_its_tool_by_hash_or_has_it_in_its_image() -> None:
    assert migration().with_credentials().install == ()
    action = migration(project=None, version="11.8.0", sha256="0" * 64).with_credentials()
    assert "sha256=" + "0" * 64 in action.install[0]
    assert "flyway-commandline-11.8.0.tar.gz" in action.install[0]


def test_a_deployed_test_keeps_what_it_is_given() -> None:
    permission = Permission(actions=["s3:GetObject"], resources=["arn:aws:s3:::fruit"])
    test = AcceptanceTest(
        "make test",
        secrets={"TOKEN": SECRET},
        permissions=[permission],
        meets=[Requirement.BETA_ACCEPTANCE],
        runtime_versions={"python": "3.14"},
        run_on_rollback=True,
    )
    assert test.permissions == (permission,)
    assert test.meets == (Requirement.BETA_ACCEPTANCE,)
    assert test.runtime_versions == {"python": "3.14"}
    assert test.secrets == {"TOKEN": SECRET}


def wrong(value: Any) -> Any:
    return value


def locust(**more: Any) -> Locust:
    given: Any = {"users": 1, "run_time": FIVE, **more}
    return Locust(given.pop("file", "load.py"), **given)


def migration(**more: Any) -> DatabaseMigration:
    given: Any = {
        "changes": "database",
        "url_output": "Url",
        "credentials": SECRET,
        "project": CodeBuildProject(image="flyway/flyway:11"),
        **more,
    }
    return DatabaseMigration(given.pop("tool", "flyway"), **given)


def network(**more: Any) -> BuildNetwork:
    given: Any = {
        "vpc_id": "vpc-1a2b3c4d",
        "subnet_ids": ["subnet-1a2b3c4d"],
        "security_group_ids": ["sg-1a2b3c4d"],
        **more,
    }
    return BuildNetwork(**given)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: locust(file="/load.py"), "Locust \"LoadTest\": file='/load.py' is not a path"),
        (lambda: locust(users=0), "users=0 is not a whole number from 1 to 100000"),
        (lambda: locust(run_time=5), "run_time=5 is not a Duration"),
        (
            lambda: locust(run_time=Duration.hours(9)),
            "run_time=32400 seconds is not between 10 and 28800 seconds",
        ),
        (lambda: locust(spawn_rate=0), "spawn_rate=0 is not a whole number"),
        (lambda: locust(thresholds=5), "thresholds=5 is of type int, and Thresholds is needed"),
        (lambda: locust(inputs=["dist"]), "inputs=('dist',) are outputs of build actions"),
        (lambda: locust(outputs={"A": "a b"}), "outputs['A']='a b' is not the id of a CfnOutput"),
        (
            lambda: locust(outputs={"A": "B"}, environment={"A": "B"}),
            "A stands in outputs and in environment",
        ),
        (lambda: locust(environment={"API_TOKEN": "x"}), "environment has API_TOKEN"),
        (lambda: locust(secrets={"API_TOKEN": "x"}), "secrets['API_TOKEN'] is a plain value"),
        (
            lambda: locust(secrets={"A": SECRET}, outputs={"A": "B"}),
            "A stands in secrets and in environment",
        ),
        (lambda: locust(run_on_rollback=1), "run_on_rollback=1 is not True or False"),
        (lambda: Thresholds(), "Thresholds: there is none"),
        (lambda: Thresholds(p95_ms=0), "p95_ms=0 is not a number from 0.001 to 1e+09"),
        (lambda: Thresholds(error_percent=101), "error_percent=101 is not a number from 0 to 100"),
        (lambda: Thresholds(error_percent=-1), "error_percent=-1 is not a number from 0 to 100"),
        (lambda: Thresholds(per_second=float("nan")), "per_second=nan is not a number"),
        (lambda: Thresholds(per_second=True), "per_second=True is not a number"),
        (lambda: JMeter("load.jmx"), "version and sha256 are missing"),
        (lambda: JMeter("load.jmx", version="5.6.3"), "version is given, and sha256 is not"),
        (lambda: JMeter("../x", **FILE), "plan='../x' is not a path inside the repository"),
        (
            lambda: JMeter("x", properties=wrong({"a b": "c"}), **FILE),
            "properties has the key 'a b'",
        ),
        (
            lambda: JMeter("x", properties={"host": 'a"; rm -rf /'}, **FILE),
            "properties['host']='a\"; rm -rf /' has a character that the shell",
        ),
        (lambda: Gatling(build_tool="sbt"), "build_tool='sbt' is not one of gradle, maven"),
        (lambda: Cucumber(tags=""), "tags='' is not a text"),
        (lambda: Cucumber(paths=["/x"]), "paths='/x' is not a path"),
        (lambda: Cypress(specs=["/x"]), "specs='/x' is not a path"),
        (lambda: Cypress(browser=""), "browser='' is not a text"),
        (lambda: Playwright(browsers=[]), "browsers is empty"),
        (lambda: Playwright(browsers=["opera"]), "browsers has 'opera', and Playwright installs"),
        (lambda: Selenium(), "requirements is empty, and nothing installs selenium and pytest"),
        (lambda: SoapUi("api.xml"), "version and sha256 are missing"),
        (
            lambda: SoapUi("api.xml", endpoint="a b", **FILE),
            "endpoint='a b' is not the name of an environment variable",
        ),
        (
            lambda: SoapUi("api.xml", endpoint="API", **FILE),
            "endpoint='API' is none of its outputs",
        ),
        (lambda: ZapBaseline("URL", **FILE), "target='URL' is none of its outputs"),
        (
            lambda: ZapBaseline("URL", outputs={"URL": "U"}, fail_on="none", **FILE),
            "fail_on='none' is not one of high, low, medium",
        ),
        (
            lambda: ZapBaseline("URL", outputs={"URL": "U"}, minutes=0, **FILE),
            "minutes=0 is not a whole number from 1 to 60",
        ),
        (lambda: FaultInjection("a b", timeout=FIVE), "experiment='a b' is not a valid name"),
        (
            lambda: FaultInjection("Slow", timeout=Duration.hours(8)),
            "timeout=480 minutes is not between 1 and 420 minutes",
        ),
        (lambda: FaultInjection("EXT1", timeout=wrong(5)), "timeout=5 is not a Duration"),
        (lambda: FaultInjection("EXT1", timeout=FIVE, name="a b"), "name='a b' is not a valid"),
        (lambda: migration(tool="alembic"), "tool='alembic' is not one of flyway, liquibase"),
        (lambda: migration(changes="/x"), "changes='/x' is not a path"),
        (lambda: migration(url_output="a b"), "url_output='a b' is not the id of a CfnOutput"),
        (lambda: migration(name="a b"), "name='a b' is not a valid name"),
        (
            lambda: migration(credentials=None),
            "exactly one of access and credentials is needed",
        ),
        (
            lambda: migration(access="Access"),
            "exactly one of access and credentials is needed",
        ),
        (lambda: migration(credentials=None, access="a b"), "access='a b' is not a valid name"),
        (lambda: migration(name="Deploy"), "name='Deploy' is that of a step of the database's st"),
        (lambda: migration(version="11.8.0"), "version is given, and sha256 is not"),
        (lambda: migration(sha256="0" * 64), "sha256 is given, and version is not"),
        (lambda: migration(version="new", sha256="0" * 64), "version='new' is not a version"),
        (lambda: migration(version="1.2", sha256="0"), "sha256='0' is not a SHA-256"),
        (lambda: migration(project=None), "nothing brings flyway: there is no version, and no ima"),
        (lambda: migration(network=5), "network=5 is of type int, and BuildNetwork is needed"),
        (lambda: migration(project=5), "project=5 is of type int, and CodeBuildProject is needed"),
        (lambda: migration(extra_arguments=[5]), "extra_arguments=5 is not a text"),
        (lambda: migration(environment={"DB_PASSWORD": "x"}), "environment has DB_PASSWORD"),
        (
            lambda: network(vpc_id="vpc"),
            "vpc_id has 'vpc', which is not an id like vpc-1a2b3c4d; copy it from the VPC console",
        ),
        (lambda: network(subnet_ids=[]), "subnet_ids is empty"),
        (lambda: network(subnet_ids=["sg-1a2b3c4d"]), "is not an id like subnet-1a2b3c4d"),
        (
            lambda: network(security_group_ids=[f"sg-1a2b3c4{each}" for each in "abcdef"]),
            "security_group_ids has 6, and CodeBuild takes 5",
        ),
        (lambda: migration(credentials="x"), "credentials is a plain value of type str"),
        (
            lambda: migration(credentials=SecureParameter("/db")),
            "credentials is a parameter, and a secret with username and password is needed",
        ),
        (
            lambda: IntegrationTest("make", environment={"PASSWORD": "x"}),
            "environment has PASSWORD, which by its name is a secret",
        ),
        (
            lambda: IntegrationTest("make", secrets=wrong({"PASSWORD": "x"})),
            "secrets['PASSWORD'] is a plain value",
        ),
        (
            lambda: IntegrationTest("make", run_on_rollback=wrong("no")),
            "run_on_rollback='no' is not True or False",
        ),
    ],
)
def test_wrong_values_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        make()
    assert message in str(raised.value)
    assert "0x" not in str(raised.value)
