"""What changes the pipeline, and what must not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration

from dpra_constructs import (
    ChangeCalendar,
    DeploymentEnvironment,
    DeploymentPipeline,
    DeploymentWindow,
    ManualApproval,
    SelfMutation,
    Wave,
)
from dpra_constructs.artifact_integrity import AcceptedKey, ArtifactSigning, FunctionSigning
from dpra_constructs.build_actions import (
    BuildAction,
    CdkSynth,
    CodeBuildProject,
    Pytest,
    PythonBuild,
    Ruff,
    SecureParameter,
)
from dpra_constructs.source import GitHub
from dpra_constructs.test_actions import IntegrationTest
from tests.conftest import resources, synthesize_fruit_api
from tests.pipelines import (
    CONNECTION,
    GAMMA,
    LAYOUT,
    PROD,
    REGIONS,
    SCANS,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    prod_waves,
    source_stage,
    template_of,
    tools_stack,
    wave,
    with_asset,
)

TOKEN = SecureParameter("/acme/token")
ROTATED = ArtifactSigning(
    key_generation=2,
    accepted_keys=[
        AcceptedKey(
            "arn:aws:kms:us-west-2:111111111111:key/0a1b2c3d-0000-4000-8000-000000000000",
            valid_until=datetime(2026, 12, 1, tzinfo=UTC),
        )
    ],
)

SIGNED = ArtifactSigning(
    functions=FunctionSigning(
        profiles=["arn:aws:signer:us-west-2:111111111111:/signing-profiles/fruit_api/a1B2c3D4e5"]
    )
)


def of_build(**arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    beta = beta_stage(stack, build=build_stage(stack, **arguments))
    last = prod_waves(stack, gamma=gamma_stage(stack, beta=beta))
    return template_of(pipeline(stack, last_stage=last))


def of_beta(**arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    gamma = gamma_stage(stack, beta=beta_stage(stack, **arguments))
    return template_of(pipeline(stack, last_stage=prod_waves(stack, gamma=gamma)))


def of_prod(**arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    return template_of(pipeline(stack, last_stage=prod_waves(stack, **arguments)))


def of_source(**arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    build = build_stage(stack, source=source_stage(stack, **arguments))
    gamma = gamma_stage(stack, beta=beta_stage(stack, build=build))
    return template_of(pipeline(stack, last_stage=prod_waves(stack, gamma=gamma)))


def structure(template: dict[str, Any]) -> list[Any]:
    return resources(template, "AWS::CodePipeline::Pipeline")


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    return template_of(pipeline())


CHANGES: dict[str, Callable[[], dict[str, Any]]] = {
    "a build action more": lambda: of_build(
        actions=[
            PythonBuild(),
            Pytest(),
            Ruff(),
            SCANS,
            BuildAction("Docs", commands=["make docs"]),
        ]
    ),
    "a build action's command": lambda: of_build(
        actions=[PythonBuild(), Pytest(extra_arguments=["-x"]), Ruff(), SCANS]
    ),
    "a build tool's version": lambda: of_build(
        actions=[PythonBuild(), Pytest(requirements=["locked.txt"]), Ruff(), SCANS]
    ),
    "where a build action runs": lambda: of_build(project=CodeBuildProject(compute_type="LARGE")),
    "a build action's secret": lambda: of_build(
        actions=[PythonBuild(), Pytest(), Ruff(), replace(SCANS, secrets={"TOKEN": TOKEN})]
    ),
    "a build action's input": lambda: of_build(
        actions=[PythonBuild(), Pytest(inputs=["dist"]), Ruff(), SCANS]
    ),
    "another source layout": lambda: of_source(layout=replace(LAYOUT, static_assets=["pages"])),
    "synth's command": lambda: of_build(synth=CdkSynth(requirements=["infra/requirements.txt"])),
    "another trunk": lambda: of_source(
        repository=GitHub("acme/fruit-api", connection_arn=CONNECTION, trunk="trunk")
    ),
    "a path filter": lambda: of_source(
        repository=GitHub("acme/fruit-api", connection_arn=CONNECTION, ignore_paths=["docs/**"])
    ),
    "a test more": lambda: of_beta(
        integration_tests=[IntegrationTest("make it"), IntegrationTest("make http", name="Http")]
    ),
    "another output for a test": lambda: of_beta(integration_tests=[IntegrationTest("make it")]),
    "a region in another wave": lambda: of_prod(
        waves=[wave("one-box", REGIONS[:2]), wave("rest", REGIONS[2:])]
    ),
    "another name of a wave": lambda: of_prod(
        waves=[wave("canary", REGIONS[:1]), wave("rest", REGIONS[1:])]
    ),
    "a longer bake": lambda: of_prod(
        waves=[Wave("one-box", REGIONS[:1], bake=Duration.hours(1)), wave("rest", REGIONS[1:])]
    ),
    "a deployment window": lambda: of_prod(
        window=DeploymentWindow(days="MON-THU", time_zone="Europe/Berlin")
    ),
    "a change calendar": lambda: of_prod(calendar=ChangeCalendar(["year-end-freeze"])),
    "another account": lambda: of_prod(
        environment=DeploymentEnvironment("prod", account="555555555555")
    ),
    "another timeout of the approval": lambda: of_prod(
        approval=ManualApproval(notify=["release@acme.example"], timeout=Duration.days(2))
    ),
    "no summary of changes": lambda: of_prod(
        approval=ManualApproval(
            notify=["release@acme.example"], timeout=Duration.days(1), show_changes=False
        )
    ),
    "a check of the approver": lambda: of_prod(
        approval=ManualApproval(
            notify=["release@acme.example"], timeout=Duration.days(1), forbid_author=True
        )
    ),
    "no self-mutation": lambda: template_of(pipeline(self_mutation=SelfMutation.OFF)),
}
NO_CHANGES: dict[str, Callable[[], dict[str, Any]]] = {
    "configuration of an environment": lambda: of_prod(
        environment=DeploymentEnvironment("prod", account=PROD, configuration={"A": "1"})
    ),
    "a longer rollback horizon": lambda: template_of(pipeline(rollback_horizon=Duration.days(400))),
    "a longer retention of evidence": lambda: template_of(
        pipeline(evidence_retention=Duration.days(400))
    ),
    "a longer time budget": lambda: of_build(time_budget=Duration.minutes(15)),
    "longer kept logs": lambda: of_build(log_retention=Duration.days(400)),
    "the build of pull requests": lambda: of_build(pull_requests=True),
    "a line that is not stopped": lambda: of_prod(stop_the_line=False),
    "another signing key": lambda: template_of(pipeline(signing=ROTATED)),
    "the signing of functions": lambda: template_of(pipeline(signing=SIGNED)),
    "someone more to notify": lambda: template_of(pipeline(notify=["team@acme.example"])),
    "other approvers": lambda: of_prod(
        approval=ManualApproval(
            notify=["release@acme.example"], timeout=Duration.days(1), approvers=["release"]
        )
    ),
    "another command of a test": lambda: of_beta(
        integration_tests=[IntegrationTest("make all", outputs={"API_URL": "ApiUrl"})]
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_the_structure(change: str, before: dict[str, Any]) -> None:
    assert structure(CHANGES[change]()) != structure(before)


@pytest.mark.parametrize("change", NO_CHANGES)
def test_leaves_the_structure(change: str, before: dict[str, Any]) -> None:
    assert structure(NO_CHANGES[change]()) == structure(before)


def test_the_docs_list_what_changes_the_structure() -> None:
    text = (Path(__file__).parents[2] / "docs" / "structure-changes.md").read_text()
    for change in [*CHANGES, *NO_CHANGES]:
        assert f"- {change}" in text


def test_a_change_of_the_code_changes_nothing_in_the_pipeline_stack(tmp_path: Path) -> None:
    templates = []
    for code in ("print(1)", "print(2)"):
        (tmp_path / "app.py").write_text(code)
        stack = tools_stack()
        build = build_stage(stack, application=with_asset(tmp_path))
        gamma = gamma_stage(stack, beta=beta_stage(stack, build=build))
        made = pipeline(stack, last_stage=prod_waves(stack, gamma=gamma))
        templates.append(template_of(made))
    assert templates[0] == templates[1]
    assert "Assets" in [stage["Name"] for stage in structure(templates[0])[0]["Stages"]]


def stack_names(waves: list[Wave]) -> set[str]:
    stack = tools_stack()
    pipeline(stack, last_stage=prod_waves(stack, waves=waves))
    stages = stack.node.find_child("Prod").node.children
    return {child.stack_name for stage in stages for child in stage.node.children}  # type: ignore[attr-defined]


def test_moving_a_region_between_waves_changes_no_stack_name() -> None:
    first = stack_names([wave("one-box", REGIONS[:1]), wave("rest", REGIONS[1:])])
    assert first == stack_names([wave("a", REGIONS[2:]), wave("b", REGIONS[:2])])
    assert first == {f"fruit-prod-{region}-Api" for region in REGIONS}


def test_a_one_region_wave_keeps_its_own_name() -> None:
    names = [stage["Name"] for stage in structure(of_prod())[0]["Stages"]]
    assert names[-2:] == ["Prod-one-box", "Prod-rest"]


def test_a_pipeline_may_end_with_beta_or_gamma() -> None:
    for stage in (beta_stage, gamma_stage):
        stack = tools_stack()
        template = template_of(pipeline(stack, last_stage=stage(stack)))
        assert structure(template)[0]["Stages"][-1]["Name"] == stage.__name__[:-6].title()


def test_two_pipelines_of_different_names_may_share_an_app() -> None:
    app = App()
    pipeline(tools_stack(app, "First"), name="first")
    made = pipeline(tools_stack(app, "Second"), name="second")
    assert isinstance(made, DeploymentPipeline)
    app.synth()


def test_gamma_regions_may_differ_when_waived() -> None:
    from dpra_constructs import Requirement

    stack = tools_stack()
    reason = "two regions show all that four do, and the budget is small"
    gamma = gamma_stage(
        stack,
        environment=DeploymentEnvironment("gamma", account=GAMMA, regions=REGIONS[:1]),
        waivers={Requirement.GAMMA_REGIONS: reason},
    )
    made = pipeline(stack, last_stage=prod_waves(stack, gamma=gamma))
    metadata = template_of(made)["Metadata"]["DPRA::fruit"]
    assert metadata["Waivers"]["DPRA-GAMMA-REGIONS"] == reason
    assert metadata["SourceLayout"]["application"] == ["src"]


def test_two_synths_in_two_folders_are_the_same(tmp_path: Path) -> None:
    first, second = (synthesize_fruit_api(tmp_path / name / "out") for name in ("a", "b"))
    files = sorted(p.relative_to(first.folder) for p in first.folder.rglob("*") if p.is_file())
    assert files == sorted(
        p.relative_to(second.folder) for p in second.folder.rglob("*") if p.is_file()
    )
    for file in files:
        assert (first.folder / file).read_bytes() == (second.folder / file).read_bytes(), file
