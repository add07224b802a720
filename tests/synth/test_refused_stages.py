# mypy: disable-error-code="arg-type, call-arg, dict-item, list-item, return-value, misc"
"""What does not fit together is refused before jsii sees it, in words that say what to do."""

from collections.abc import Callable

import pytest
from aws_cdk import App, CfnOutput, Duration, Environment, Stack, Stage
from aws_cdk.aws_codepipeline import ExecutionMode
from constructs import Construct

from dpra_constructs import (
    BetaStage,
    BuildStage,
    DeploymentEnvironment,
    DeploymentPipeline,
    DeploymentTarget,
    GammaStage,
    InvalidArgumentError,
    Limits,
    ProdWaves,
    Requirement,
    Wave,
)
from dpra_constructs.build_actions import BuildAction, Pytest, PythonBuild, Ruff
from dpra_constructs.build_actions.requirement_actions import REQUIREMENT_ACTIONS
from dpra_constructs.monitoring import ApiStep, ApiSyntheticTest
from dpra_constructs.source import CodeCommit, GitLabSelfManaged, SourceLayout
from dpra_constructs.test_actions import IntegrationTest
from tests.pipelines import (
    BETA,
    CONNECTION,
    GAMMA,
    PROD,
    REGIONS,
    TOOLS,
    Fruit,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    prod_waves,
    source_stage,
    tools_stack,
    wave,
)

REASON = "reviewed and documented elsewhere"
ENVIRONMENT_OF_FOUR = DeploymentEnvironment("gamma", account=GAMMA, regions=[*REGIONS, "eu-west-1"])
ENVIRONMENT = DeploymentEnvironment("gamma", account=GAMMA, regions=REGIONS)


class ReturnsText:
    def to_build_action(self) -> str:
        return "make lint"


class Blind(Stage):
    """An application that nobody watches."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, env=target.env)
        CfnOutput(Stack(self, "Api"), "ApiUrl", value="https://acme.example")


class Unwatched(Fruit):
    """An application whose synthetic test may fail unseen."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, target)
        ApiSyntheticTest(
            self.stack,
            "Test",
            target=target,
            base_url="https://acme.example",
            steps=[ApiStep("Look")],
        )


class TwoStacks(Fruit):
    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, target)
        CfnOutput(Stack(self, "Web"), "ApiUrl", value="https://acme.example")


def pipeline_of(application: object) -> DeploymentPipeline:
    stack = tools_stack()
    beta = beta_stage(stack, build=build_stage(stack, application=application))
    return pipeline(stack, last_stage=beta)


def two_pipelines(first: str, second: str) -> None:
    app = App()
    for name, id in ((first, "First"), (second, "Second")):
        pipeline(tools_stack(app, id), name=name)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "repository is a text": (
        lambda: source_stage(tools_stack(), repository="acme/fruit-api"),
        "SourceStage \"Source\": repository='acme/fruit-api' is of type str, and Repository"
        ' is needed; write it like repository=GitHub("acme/fruit-api", ...)',
    ),
    "layout is a mapping": (
        lambda: source_stage(tools_stack(), layout={"application": ["src"]}),
        "SourceStage \"Source\": layout={'application': ['src']} is of type dict, and "
        "SourceLayout is needed; write it like layout=SourceLayout(...)",
    ),
    "layout without static assets": (
        lambda: source_stage(
            tools_stack(),
            layout=SourceLayout(
                application=["src"],
                tests=["tests"],
                infrastructure=["i"],
                dependency_manifests=["p"],
                static_configuration=["c"],
            ),
        ),
        'SourceStage "Source": layout names no static_assets; say where they are with '
        "SourceLayout(static_assets=[...]), or waive DPRA-SOURCE-STATIC-ASSETS with a "
        "reason",
    ),
    "waiver of another stage's requirement": (
        lambda: source_stage(tools_stack(), waivers={Requirement.PROD_APPROVAL: REASON}),
        'SourceStage "Source": waivers has DPRA-PROD-APPROVAL, which is a requirement of '
        "prod, not of source; waive it where prod is defined",
    ),
    "build without a source stage": (
        lambda: BuildStage(tools_stack(), "Build", source="acme/fruit-api", application=Fruit),
        "BuildStage \"Build\": source='acme/fruit-api' is of type str, and SourceStage is "
        'needed; write it like source=SourceStage(self, "Source", ...)',
    ),
    "application is not callable": (
        lambda: build_stage(tools_stack(), application="FruitApi"),
        "BuildStage \"Build\": application='FruitApi' is not callable; give a cdk.Stage "
        "subclass, or a function, called as application(scope, id, target)",
    ),
    "application takes no target": (
        lambda: build_stage(tools_stack(), application=lambda scope, id: None),
        'BuildStage "Build": application=<lambda> cannot be called as application(scope, '
        "id, target): too many positional arguments; give a cdk.Stage subclass, or a "
        "function, called as application(scope, id, target)",
    ),
    "application is a Stage without target": (
        lambda: build_stage(tools_stack(), application=Stage),
        'BuildStage "Build": application=Stage cannot be called as application(scope, id,'
        " target): too many positional arguments; give a cdk.Stage subclass, or a "
        "function, called as application(scope, id, target)",
    ),
    "build action is a class": (
        lambda: build_stage(tools_stack(), actions=[Ruff]),
        'BuildStage "Build": actions has the class Ruff; write Ruff()',
    ),
    "build action is a command": (
        lambda: build_stage(tools_stack(), actions=["make lint"]),
        "BuildStage \"Build\": actions has 'make lint', which is no build action; give a "
        "BuildAction, or an object with the method to_build_action()",
    ),
    "typed action returns something else": (
        lambda: build_stage(tools_stack(), actions=[ReturnsText()]),
        "BuildStage \"Build\": ReturnsText.to_build_action() returned 'make lint'; return a"
        " BuildAction",
    ),
    "actions is no sequence": (
        lambda: build_stage(tools_stack(), actions=5),
        'BuildStage "Build": actions=5 is no sequence; write it as a list: actions=[...]',
    ),
    "two build actions of one name": (
        lambda: build_stage(tools_stack(), actions=[Ruff(), Ruff(paths=["tests"])]),
        'BuildStage "Build": the names of actions, synth and SourceLayout has CodeQuality '
        "more than once; keep one of each",
    ),
    "build action is named as synth is": (
        lambda: build_stage(tools_stack(), actions=[BuildAction("Synth", commands=["make"])]),
        'BuildStage "Build": the names of actions, synth and SourceLayout has Synth more '
        "than once; keep one of each",
    ),
    "build action is named as the check of the source is": (
        lambda: build_stage(
            tools_stack(), actions=[BuildAction("SourceLayout", commands=["make"])]
        ),
        'BuildStage "Build": the names of actions, synth and SourceLayout has SourceLayout more '
        "than once; keep one of each",
    ),
    "requirements that no action meets": (
        lambda: build_stage(
            tools_stack(),
            actions=[PythonBuild(), Ruff()],
            waivers={
                Requirement.BUILD_UNIT_TESTS: REASON,
                Requirement.BUILD_SAST: REASON,
                Requirement.BUILD_SBOM: REASON,
            },
        ),
        'BuildStage "Build": no action meets DPRA-BUILD-SECRETS (Secrets detection), '
        "DPRA-BUILD-SCA (Software composition analysis); meet DPRA-BUILD-SECRETS with "
        "DetectSecrets or Gitleaks or GitGuardian; DPRA-BUILD-SCA with PipAudit or NpmAudit or "
        "Trivy or Snyk or OwaspDependencyCheck or BlackDuck or InspectorCodeSecurity; or with "
        "any BuildAction(..., meets=[Requirement.BUILD_SECRETS]), or waive what does not hold: "
        'waivers={Requirement.BUILD_SECRETS: "the reason"}',
    ),
    "an input that nothing makes": (
        lambda: build_stage(tools_stack(), actions=[PythonBuild(), Pytest(inputs=["wheel"])]),
        'BuildStage "Build": action "UnitTests": its input \'wheel\' is no output of another '
        'action; outputs are dist; give the action that makes it outputs={"wheel": "the '
        'directory"}',
    ),
    "build actions that wait for each other": (
        lambda: build_stage(
            tools_stack(),
            actions=[
                BuildAction("A", commands=["make"], outputs={"a": "a"}, inputs=["b"]),
                BuildAction("B", commands=["make"], outputs={"b": "b"}, inputs=["a"]),
            ],
        ),
        'BuildStage "Build": actions wait for each other\'s outputs: A <- B <- A; remove one of '
        "these inputs",
    ),
    "more outputs than synth takes": (
        lambda: build_stage(
            tools_stack(),
            actions=[BuildAction("A", commands=["make"], outputs={n: f"out/{n}" for n in "abcde"})],
        ),
        'BuildStage "Build": action "Synth": it reads 5 outputs (a, b, c, d, e), and CodePipeline '
        "takes 4; name those that the application needs, like CdkSynth(inputs=[...]), or put "
        "several into one directory",
    ),
    "more outputs than an action has": (
        lambda: build_stage(
            tools_stack(),
            actions=[
                BuildAction("A", commands=["make"], outputs={n: f"out/{n}" for n in "abcdef"})
            ],
        ),
        'BuildStage "Build": action "A": it has 6 outputs (a, b, c, d, e, f), and CodePipeline '
        "takes 5; put several into one directory",
    ),
    "project is a name": (
        lambda: build_stage(tools_stack(), project="LARGE"),
        "BuildStage \"Build\": project='LARGE' is of type str, and CodeBuildProject is needed; "
        "write it like project=CodeBuildProject(...)",
    ),
    "logs kept for a time that CloudWatch does not know": (
        lambda: build_stage(tools_stack(), log_retention=Duration.days(100)),
        'BuildStage "Build": log_retention=100 days, and CloudWatch Logs knows 1, 3, 5, 7, 14, '
        "30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653 "
        "only; write it like log_retention=Duration.days(120)",
    ),
    "pull requests of CodeCommit": (
        lambda: build_stage(
            (s := tools_stack()),
            source=source_stage(s, repository=CodeCommit("fruit")),
            pull_requests=True,
        ),
        'BuildStage "Build": pull_requests=True, and CodeBuild builds no pull requests of '
        "CodeCommit; leave it out, or move to GitHub, GitLab or Bitbucket",
    ),
    "pull requests of a host without address": (
        lambda: build_stage(
            (s := tools_stack()),
            source=source_stage(
                s, repository=GitLabSelfManaged("acme/fruit", connection_arn=CONNECTION)
            ),
            pull_requests=True,
        ),
        'BuildStage "Build": pull_requests=True is not the address of the GitLabSelfManaged; '
        'name it like pull_requests="https://git.acme.example"',
    ),
    "pull requests of a known host with an address": (
        lambda: build_stage(tools_stack(), pull_requests="https://github.com"),
        "BuildStage \"Build\": pull_requests='https://github.com' is not True or False; write "
        "pull_requests=True: the address of GitHub is known",
    ),
    "notify is no address": (
        lambda: pipeline(notify=["release"]),
        "DeploymentPipeline \"Pipeline\": notify has 'release', which is not an email address; "
        'write it like notify=["release@acme.example"]',
    ),
    "two outputs of one name": (
        lambda: build_stage(
            tools_stack(),
            actions=[
                PythonBuild(),
                BuildAction("Docs", commands=["make docs"], outputs={"dist": "docs"}),
            ],
        ),
        'BuildStage "Build": the names of the actions\' outputs has dist more than once; '
        "keep one of each",
    ),
    "two outputs in one directory": (
        lambda: build_stage(
            tools_stack(),
            actions=[
                PythonBuild(),
                BuildAction("Docs", commands=["make docs"], outputs={"docs": "dist"}),
            ],
        ),
        'BuildStage "Build": the directories of the actions\' outputs has dist more than '
        "once; keep one of each",
    ),
    "build time budget is a number": (
        lambda: build_stage(tools_stack(), time_budget=10),
        'BuildStage "Build": time_budget=10 is not a Duration; write it like '
        "time_budget=Duration.minutes(15)",
    ),
    "build time budget too long": (
        lambda: build_stage(tools_stack(), time_budget=Duration.hours(9)),
        'BuildStage "Build": time_budget=540 minutes is not between 5 and 480 minutes; '
        "write it like time_budget=Duration.minutes(15)",
    ),
    "beta without a build stage": (
        lambda: BetaStage(tools_stack(), "Beta", build=None, environment=ENVIRONMENT),
        'BetaStage "Beta": build=None is of type NoneType, and BuildStage is needed; '
        'write it like build=BuildStage(self, "Build", ...)',
    ),
    "beta environment is a text": (
        lambda: beta_stage(tools_stack(), environment="beta"),
        "BetaStage \"Beta\": environment='beta' is of type str, and DeploymentEnvironment "
        'is needed; write it like environment=DeploymentEnvironment("beta", '
        'account="222222222222", regions=["us-west-2"])',
    ),
    "beta environment without regions": (
        lambda: beta_stage(tools_stack(), environment=DeploymentEnvironment("beta", account=BETA)),
        'BetaStage "Beta": environment "beta" has no regions; name them: '
        'DeploymentEnvironment(..., regions=["us-west-2"])',
    ),
    "beta without integration tests": (
        lambda: beta_stage(tools_stack(), integration_tests=[]),
        'BetaStage "Beta": integration_tests is empty; give one, or waive '
        "DPRA-BETA-INTEGRATION with a reason",
    ),
    "beta without acceptance tests": (
        lambda: beta_stage(tools_stack(), acceptance_tests=[]),
        'BetaStage "Beta": acceptance_tests is empty; give one, or waive '
        "DPRA-BETA-ACCEPTANCE with a reason",
    ),
    "integration tests is a command": (
        lambda: beta_stage(tools_stack(), integration_tests="pytest"),
        "BetaStage \"Beta\": integration_tests='pytest' is no sequence; write it as a list:"
        " integration_tests=[...]",
    ),
    "acceptance test is of the other kind": (
        lambda: beta_stage(tools_stack(), acceptance_tests=[IntegrationTest("make it")]),
        "BetaStage \"Beta\": acceptance_tests=IntegrationTest(command=('make it',), "
        "name='IntegrationTe... is of type IntegrationTest, and AcceptanceTest is needed;"
        ' write it like acceptance_tests=[AcceptanceTest("make test")]',
    ),
    "two tests of one name": (
        lambda: beta_stage(
            tools_stack(), integration_tests=[IntegrationTest("a"), IntegrationTest("b")]
        ),
        'BetaStage "Beta": the names of tests has IntegrationTest more than once; keep one of each',
    ),
    "gamma after build": (
        lambda: GammaStage(
            tools_stack(), "Gamma", beta=build_stage(tools_stack()), environment=ENVIRONMENT
        ),
        'GammaStage "Gamma": beta=<BuildStage> is of type BuildStage, and BetaStage is '
        'needed; write it like beta=BetaStage(self, "Beta", ...)',
    ),
    "gamma in the tools account": (
        lambda: gamma_stage(
            tools_stack(),
            environment=DeploymentEnvironment("gamma", account=TOOLS, regions=REGIONS),
        ),
        'GammaStage "Gamma": environment has account 111111111111, in which the pipeline '
        "runs; give gamma an account of its own, or waive DPRA-GAMMA-ENVIRONMENT with a "
        "reason",
    ),
    "gamma bake is a number": (
        lambda: gamma_stage(tools_stack(), bake=15),
        'GammaStage "Gamma": bake=15 is not a Duration; write it like bake=Duration.minutes(15)',
    ),
    "gamma without a bake": (
        lambda: gamma_stage(tools_stack(), bake=None),
        'GammaStage "Gamma": there is no bake; give bake=Duration.minutes(15), or waive '
        "DPRA-GAMMA-MONITORING with a reason",
    ),
    "prod after beta": (
        lambda: ProdWaves(
            tools_stack(),
            "Prod",
            gamma=beta_stage(tools_stack()),
            environment=ENVIRONMENT,
            waves=[],
        ),
        'ProdWaves "Prod": gamma=<BetaStage> is of type BetaStage, and GammaStage is '
        'needed; write it like gamma=GammaStage(self, "Gamma", ...)',
    ),
    "prod in the tools account": (
        lambda: prod_waves(tools_stack(), environment=DeploymentEnvironment("prod", account=TOOLS)),
        'ProdWaves "Prod": environment has account 111111111111, in which the pipeline '
        "runs; give production an account of its own",
    ),
    "prod without an approval": (
        lambda: prod_waves(tools_stack(), approval=None),
        'ProdWaves "Prod": there is no approval; give approval=ManualApproval(...), or '
        "waive DPRA-PROD-APPROVAL with a reason",
    ),
    "prod approval is an address": (
        lambda: prod_waves(tools_stack(), approval="release@acme.example"),
        "ProdWaves \"Prod\": approval='release@acme.example' is of type str, and "
        "ManualApproval is needed; write it like approval=ManualApproval()",
    ),
    "prod window is a text": (
        lambda: prod_waves(tools_stack(), window="MON-THU"),
        "ProdWaves \"Prod\": window='MON-THU' is of type str, and DeploymentWindow is needed; "
        'write it like window=DeploymentWindow(days="MON-THU", hours=(9, 16), '
        'time_zone="Europe/Berlin")',
    ),
    "prod calendar is a name": (
        lambda: prod_waves(tools_stack(), calendar="year-end-freeze"),
        "ProdWaves \"Prod\": calendar='year-end-freeze' is of type str, and ChangeCalendar is "
        'needed; write it like calendar=ChangeCalendar(["year-end-freeze"])',
    ),
    "stop the line is a number": (
        lambda: prod_waves(tools_stack(), stop_the_line=1),
        'ProdWaves "Prod": stop_the_line=1 is not True or False; write stop_the_line=True or '
        "stop_the_line=False",
    ),
    "prod without waves": (
        lambda: prod_waves(tools_stack(), waves=[]),
        'ProdWaves "Prod": waves is empty; give one, like waves=[Wave("one-box", ["us-west-2"])]',
    ),
    "waves is a list of regions": (
        lambda: prod_waves(tools_stack(), waves=REGIONS),
        "ProdWaves \"Prod\": waves='us-west-2' is of type str, and Wave is needed; write it"
        ' like waves=[Wave("one-box", ["us-west-2"])]',
    ),
    "waves is one wave": (
        lambda: prod_waves(tools_stack(), waves=Wave("rest", REGIONS)),
        "ProdWaves \"Prod\": waves=Wave(name='rest', regions=('us-west-2', 'us-east-1', "
        '\'eu-... is no sequence; write it like waves=[Wave("one-box", ["us-west-2"])]',
    ),
    "two waves of one name": (
        lambda: prod_waves(tools_stack(), waves=[Wave("a", REGIONS[:1]), Wave("a", REGIONS[1:])]),
        'ProdWaves "Prod": the names of waves has a more than once; keep one of each',
    ),
    "region in two waves": (
        lambda: prod_waves(tools_stack(), waves=[Wave("a", REGIONS), Wave("b", REGIONS[:1])]),
        'ProdWaves "Prod": waves has us-west-2 more than once; keep one of each',
    ),
    "prod environment has regions too": (
        lambda: prod_waves(
            tools_stack(), environment=DeploymentEnvironment("prod", account=PROD, regions=REGIONS)
        ),
        'ProdWaves "Prod": environment "prod" has regions, and so have the waves; leave '
        "them to the waves",
    ),
    "prod configuration for no wave's region": (
        lambda: prod_waves(
            tools_stack(),
            environment=DeploymentEnvironment(
                "prod", account=PROD, region_configuration={"sa-east-1": {}}
            ),
        ),
        'ProdWaves "Prod": environment "prod" has region_configuration for sa-east-1, '
        "which no wave deploys to; remove it, or add the region to a wave",
    ),
    "wave without a bake": (
        lambda: prod_waves(tools_stack(), waves=[wave("a", REGIONS[:1]), Wave("b", REGIONS[1:])]),
        'ProdWaves "Prod": there is no bake in b; give the wave bake=Duration.minutes(30), or '
        "waive DPRA-PROD-ROLLBACK with a reason",
    ),
    "bake without DeploymentHealth": (
        lambda: pipeline(
            (s := tools_stack()),
            last_stage=gamma_stage(
                s,
                beta=beta_stage(s, build=build_stage(s, application=Blind)),
                environment=DeploymentEnvironment("gamma", account=GAMMA, regions=REGIONS[:2]),
            ),
        ),
        'DeploymentPipeline "fruit": Gamma bakes for 15 minutes, and fruit-gamma-us-west-2, '
        "fruit-gamma-us-east-1 has no DeploymentHealth whose alarm it could watch; put "
        "DeploymentHealth(stack, ..., target=target, alarms=[...]) into a stack of the "
        "application, or leave the bake out and waive what it is required for",
    ),
    "gamma without a synthetic test": (
        lambda: pipeline(
            (s := tools_stack()),
            last_stage=GammaStage(
                s,
                "Gamma",
                beta=beta_stage(s),
                bake=Duration.minutes(15),
                environment=DeploymentEnvironment("gamma", account=GAMMA, regions=REGIONS[:2]),
            ),
        ),
        'GammaStage "Gamma": fruit-gamma-us-west-2, fruit-gamma-us-east-1 has no synthetic test; '
        'put ApiSyntheticTest(stack, "Test", target=target, base_url=..., steps=[...]) into a '
        "stack of the application, and its alarm into DeploymentHealth, or waive "
        "DPRA-GAMMA-SYNTHETICS with a reason",
    ),
    "synthetic test whose alarm no bake sees": (
        lambda: pipeline(
            (s := tools_stack()),
            last_stage=gamma_stage(
                s, beta=beta_stage(s, build=build_stage(s, application=Unwatched))
            ),
        ),
        'DeploymentPipeline "fruit": the alarm of ApiSyntheticTest '
        "Pipelines/Beta/fruit-beta-us-west-2/Api/Test is not in the DeploymentHealth of "
        "fruit-beta-us-west-2, so that no bake sees it fail; give that alarms=[..., test.alarm]",
    ),
    "bake shorter than its alarms need": (
        lambda: pipeline((s := tools_stack()), last_stage=gamma_stage(s, bake=Duration.minutes(4))),
        'Bake of "Gamma": it takes 4 minutes, and its alarms need 5 to show a new version; bake '
        "for 5 minutes at least, or watch alarms with shorter periods",
    ),
    "prod region not in gamma": (
        lambda: prod_waves(tools_stack(), waves=[wave("all", [*REGIONS, "eu-west-1"])]),
        'GammaStage "Gamma": regions eu-west-1 are deployed to in prod but not in gamma; '
        "add them to gamma's environment, or waive DPRA-GAMMA-REGIONS with a reason",
    ),
    "gamma region not in prod": (
        lambda: prod_waves(tools_stack(), waves=[wave("all", REGIONS[:2])]),
        'GammaStage "Gamma": regions eu-central-1 are deployed to in gamma but not in '
        "prod; remove them from gamma's environment, or add them to a wave, or waive "
        "DPRA-GAMMA-REGIONS with a reason",
    ),
    "pipeline name with a space": (
        lambda: pipeline(name="fruit api"),
        "DeploymentPipeline \"Pipeline\": name='fruit api' is not a valid name: 1 to 40 "
        "letters, digits and hyphens, beginning with a letter; choose another name, like "
        "'one-box'",
    ),
    "pipeline ends with the build": (
        lambda: pipeline((s := tools_stack()), last_stage=build_stage(s)),
        'DeploymentPipeline "Pipeline": last_stage=<BuildStage> is not a BetaStage, '
        "GammaStage or ProdWaves; give it the last stage that you have defined",
    ),
    "pipeline in PARALLEL mode": (
        lambda: pipeline(execution_mode=ExecutionMode.PARALLEL),
        'DeploymentPipeline "Pipeline": execution_mode=ExecutionMode.PARALLEL is not '
        "SUPERSEDED or QUEUED (CodePipeline cannot roll back in PARALLEL mode); choose "
        "ExecutionMode.SUPERSEDED or ExecutionMode.QUEUED of aws_cdk.aws_codepipeline",
    ),
    "self-mutation is a bool": (
        lambda: pipeline(self_mutation=True),
        'DeploymentPipeline "Pipeline": self_mutation=True is of type bool, and '
        "SelfMutation is needed; write it like self_mutation=SelfMutation.GUARDED",
    ),
    "rollback horizon too short": (
        lambda: pipeline(rollback_horizon=Duration.days(30)),
        'DeploymentPipeline "Pipeline": rollback_horizon=30 days is not between 90 and '
        "3650 days; write it like rollback_horizon=Duration.days(90)",
    ),
    "evidence goes before its release": (
        lambda: pipeline(evidence_retention=Duration.days(364)),
        'DeploymentPipeline "Pipeline": evidence_retention=364 days is not between 365 and '
        "3650 days; write it like evidence_retention=Duration.days(365)",
    ),
    "a lock that is no mode": (
        lambda: pipeline(evidence_lock="GOVERNANCE"),
        "DeploymentPipeline \"Pipeline\": evidence_lock='GOVERNANCE' is of type str, and "
        "ObjectLockMode is needed; "
        "write it like evidence_lock=s3.ObjectLockMode.GOVERNANCE",
    ),
    "rollback horizon is not whole days": (
        lambda: pipeline(rollback_horizon=Duration.hours(24 * 100 + 1)),
        'DeploymentPipeline "Pipeline": rollback_horizon=8.6436e+06 seconds is not whole '
        "days; write it like rollback_horizon=Duration.days(90)",
    ),
    "limits is a number": (
        lambda: pipeline(limits=50),
        'DeploymentPipeline "Pipeline": limits=50 is of type int, and Limits is needed; '
        "write it like limits=Limits(actions_per_stage=50)",
    ),
    "stack without an environment": (
        lambda: pipeline(Stack(App(), "Anywhere", env=Environment(region="us-west-2"))),
        'DeploymentPipeline "Pipeline": its stack Anywhere has no concrete account and '
        "region, which cross-account roles need; give the stack "
        'env=Environment(account="111111111111", region="us-west-2")',
    ),
    "two environments of one name": (
        lambda: pipeline(
            (s := tools_stack()),
            last_stage=gamma_stage(
                s, environment=DeploymentEnvironment("beta", account=GAMMA, regions=REGIONS)
            ),
        ),
        'DeploymentPipeline "fruit": the environments\' names has beta more than once; '
        "keep one of each",
    ),
    "application returns nothing": (
        lambda: pipeline_of(lambda scope, id, target: None),
        'DeploymentPipeline "Pipeline": application <lambda> returned None; return an '
        "aws_cdk.Stage",
    ),
    "application forgets the environment": (
        lambda: pipeline_of(lambda scope, id, target: Stage(scope, id)),
        'DeploymentPipeline "Pipeline": application <lambda> returned a Stage for '
        "None/None, and its target is 222222222222/us-west-2; pass env=target.env to the "
        "Stage's constructor",
    ),
    "application uses another region": (
        lambda: pipeline_of(
            lambda scope, id, target: Stage(
                scope, id, env=Environment(account=target.account, region="sa-east-1")
            )
        ),
        'DeploymentPipeline "Pipeline": application <lambda> returned a Stage for '
        "222222222222/sa-east-1, and its target is 222222222222/us-west-2; pass "
        "env=target.env to the Stage's constructor",
    ),
    "application uses another id": (
        lambda: pipeline_of(lambda scope, id, target: Stage(scope, "App", env=target.env)),
        'DeploymentPipeline "Pipeline": application <lambda> returned a Stage with the id'
        " 'App' for 'fruit-beta-us-west-2'; pass the id on that it was called with",
    ),
    "test output unknown": (
        lambda: pipeline(
            (s := tools_stack()),
            last_stage=beta_stage(
                s, integration_tests=[IntegrationTest("make", outputs={"URL": "Url"})]
            ),
        ),
        "IntegrationTest \"IntegrationTest\": outputs['URL']='Url' is no CfnOutput of "
        "fruit-beta-us-west-2, which has Api.ApiUrl; use one of these ids, or add the "
        "CfnOutput to the application",
    ),
    "test output of an unknown stack": (
        lambda: pipeline(
            (s := tools_stack()),
            last_stage=beta_stage(
                s, integration_tests=[IntegrationTest("make", outputs={"URL": "Web.ApiUrl"})]
            ),
        ),
        "IntegrationTest \"IntegrationTest\": outputs['URL']='Web.ApiUrl' is no CfnOutput "
        "of fruit-beta-us-west-2, which has Api.ApiUrl; use one of these ids, or add the "
        "CfnOutput to the application",
    ),
    "test output in two stacks": (
        lambda: pipeline_of(TwoStacks),
        "IntegrationTest \"IntegrationTest\": outputs['API_URL']='ApiUrl' is ambiguous in "
        "fruit-beta-us-west-2: it stands 2 times, in Api.ApiUrl, Web.ApiUrl; name the "
        'stack too, like "Stack.Output"',
    ),
    "application without stacks": (
        lambda: pipeline_of(lambda scope, id, target: Stage(scope, id, env=target.env)),
        "IntegrationTest \"IntegrationTest\": outputs['API_URL']='ApiUrl' is no CfnOutput "
        "of fruit-beta-us-west-2, which has none; use one of these ids, or add the "
        "CfnOutput to the application",
    ),
    "test is named as a stack": (
        lambda: pipeline(
            (s := tools_stack()),
            last_stage=beta_stage(s, integration_tests=[IntegrationTest("make", name="Api")]),
        ),
        "IntegrationTest \"Api\": the application has a stack 'Api', and both become "
        'actions of Beta; give the test another name, like name="ApiTest"',
    ),
    "too many actions in a wave": (
        lambda: (
            stack := tools_stack(),
            gamma := gamma_stage(stack, environment=ENVIRONMENT_OF_FOUR),
            pipeline(stack, last_stage=gamma, limits=Limits(actions_per_stage=8)),
        ),
        "DeploymentPipeline \"fruit\": pipeline stage 'Gamma' would have 10 actions, and "
        "CodePipeline takes 8; deploy to fewer than its 4 regions at once, or put the "
        "application into fewer stacks",
    ),
    "too many build actions": (
        lambda: pipeline(
            (s := tools_stack()),
            last_stage=beta_stage(
                s,
                build=build_stage(
                    s,
                    actions=[BuildAction(f"A{n}", commands=["make"]) for n in range(50)],
                    waivers=dict.fromkeys(REQUIREMENT_ACTIONS, REASON),
                ),
            ),
        ),
        "DeploymentPipeline \"fruit\": pipeline stage 'Build' would have 53 actions, and "
        "CodePipeline takes 50; run several tools in one build action",
    ),
    "too many stages": (
        lambda: pipeline(limits=Limits(stages_per_pipeline=7)),
        'DeploymentPipeline "fruit": has 9 pipeline stages, and CodePipeline takes 7; join waves',
    ),
    "too many actions": (
        lambda: pipeline(limits=Limits(actions_per_pipeline=20)),
        'DeploymentPipeline "fruit": would have 36 actions, and CodePipeline takes 20; '
        "put the application into fewer stacks, or release its parts by several pipelines",
    ),
    "stage id too long": (
        lambda: pipeline(
            (s := tools_stack()),
            name="f" * 40,
            last_stage=beta_stage(
                s,
                environment=DeploymentEnvironment(
                    "b" * 40, account=BETA, regions=["us-isob-northwest-example-west-1"]
                ),
            ),
        ),
        'DeploymentPipeline "ffffffffffffffffffffffffffffffffffffffff": the cdk.Stage id '
        "'ffffffffffffffffffffffffffffffffffffffff-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
        "bb-us-isob-northwest-example-west-1' has 114 characters, and a stack's name "
        "leaves room for 100; shorten the name of the pipeline or of the environment",
    ),
    "two pipelines of one name": (
        lambda: two_pipelines("fruit", "fruit"),
        'DeploymentPipeline "Pipeline": stack fruit-beta-us-west-2-Api in '
        "222222222222/us-west-2 is also deployed by pipeline fruit (First/Pipeline); give"
        " one of the pipelines, or of the environments, another name, and leave "
        "stack_name out",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(InvalidArgumentError) as refused:
        make()
    assert str(refused.value) == message
