"""The plan: pure, ordered, and the same whatever the waves are."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs import (
    ChangeCalendar,
    DeploymentEnvironment,
    DeploymentWindow,
    ManualApproval,
    SelfMutation,
    Wave,
)
from dpra_constructs.build_actions import CdkSynth, CodeBuildProject, PythonBuild, Ruff
from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.pipeline.definitions import (
    BetaDefinition,
    BuildDefinition,
    Chain,
    GammaDefinition,
    ProdDefinition,
    SourceDefinition,
)
from dpra_constructs.pipeline.limits import Limits
from dpra_constructs.pipeline.plan import PipelinePlan, make_plan
from dpra_constructs.pipeline.planned_limits import check_planned
from dpra_constructs.source import CodeCommit, SourceLayout
from dpra_constructs.test_actions import IntegrationTest

REGIONS = [f"eu-west-{n}" for n in range(1, 10)]
IDENTITY = PipelineIdentity(name="fruit", account="111111111111", region="eu-west-1")


def plan_of(
    waves: Sequence[Wave],
    self_mutation: SelfMutation = SelfMutation.GUARDED,
    *,
    window: DeploymentWindow | None = None,
    calendar: ChangeCalendar | None = None,
) -> PipelinePlan:
    regions = [region for wave in waves for region in wave.regions]
    source = SourceDefinition(
        where="",
        repository=CodeCommit("fruit"),
        layout=SourceLayout(application=["src"]),
        waivers={},
    )
    build = BuildDefinition(
        where="",
        source=source,
        application=lambda scope, id, target: scope,  # type: ignore[arg-type, return-value]
        actions=(PythonBuild().to_build_action(), Ruff().to_build_action()),
        synth=CdkSynth(inputs=["dist"]).to_build_action(),
        app_directory=".",
        time_budget_minutes=10,
        waivers={},
        project=CodeBuildProject(),
        log_retention_days=365,
        pull_requests=None,
    )
    beta = BetaDefinition(
        where="",
        build=build,
        environment=DeploymentEnvironment("beta", account="222222222222", regions=regions[:1]),
        tests=(IntegrationTest("make it"),),
        time_budget_minutes=30,
        waivers={},
    )
    gamma = GammaDefinition(
        where="",
        beta=beta,
        environment=DeploymentEnvironment("gamma", account="333333333333", regions=regions),
        time_budget_minutes=40,
        bake_minutes=15,
        waivers={},
    )
    prod = ProdDefinition(
        where="",
        gamma=gamma,
        environment=DeploymentEnvironment("prod", account="444444444444"),
        waves=tuple(waves),
        approval=ManualApproval(),
        stop_the_line=True,
        rolls_all_back=False,
        window=window,
        calendar=calendar,
        waivers={},
    )
    return make_plan(Chain.ending_with(prod), IDENTITY, self_mutation)


@st.composite
def waves(draw: st.DrawFn) -> list[Wave]:
    """Any way to put some regions into some waves."""
    regions = draw(st.lists(st.sampled_from(REGIONS), min_size=1, unique=True))
    cuts = draw(st.sets(st.integers(1, len(regions)), max_size=4))
    edges = [0, *sorted(cuts - {len(regions)}), len(regions)]
    return [Wave(f"w{n}", regions[start:end]) for n, (start, end) in enumerate(pairwise(edges))]


@given(waves())
def test_every_region_is_deployed_to_once_and_in_the_order_of_the_waves(given: list[Wave]) -> None:
    production = [target.region for target in plan_of(given).targets if target.is_production]
    assert production == [region for wave in given for region in wave.regions]


@given(waves())
def test_stage_ids_know_no_waves(given: list[Wave]) -> None:
    one = Wave("all", sorted(region for wave in given for region in wave.regions))
    ids = {target.stage_id for target in plan_of(given).targets if target.is_production}
    assert ids == {target.stage_id for target in plan_of([one]).targets if target.is_production}


@given(waves())
def test_pipeline_stages_have_the_names_of_the_plan(given: list[Wave]) -> None:
    plan = plan_of(given)
    assert [stage.name for stage in plan.stages] == [
        *("Source", "Build", "UpdatePipeline", "Assets", "Beta", "Gamma", "Approve-Prod"),
        *(f"Prod-{wave.name}" for wave in given),
    ]
    assert plan.wave_names == tuple(f"Prod-{wave.name}" for wave in given)


@given(waves(), st.integers(1, 30), st.integers(1, 30))
def test_a_plan_within_its_limits_is_within_them(
    given: list[Wave], stack_count: int, most: int
) -> None:
    plan = plan_of(given)
    stacks = {target.stage_id: stack_count for target in plan.targets}
    gamma = 2 * stack_count * len(plan.stages[5].targets) + 1
    largest = max(gamma, 4, 2 * stack_count + 1)
    limits = Limits(actions_per_stage=most, actions_per_pipeline=10_000)
    if largest <= most:
        check_planned(plan, stacks, limits)
    else:
        with pytest.raises(InvalidArgumentError, match=f"and CodePipeline takes {most};"):
            check_planned(plan, stacks, limits)


def test_the_plan_prints_itself() -> None:
    plan = plan_of([Wave("one-box", REGIONS[:1]), Wave("rest", REGIONS[1:3])])
    assert str(plan).splitlines() == [
        "Pipeline fruit in 111111111111/eu-west-1",
        "Source",
        "  1 Source: CodeCommit fruit, branch main",
        "Build (time budget 10 min)",
        "  1 SourceLayout",
        "  2 Package -> dist (DPRA-BUILD-CODE)",
        "  2 CodeQuality (DPRA-BUILD-QUALITY)",
        "  3 Synth <- dist (DPRA-BUILD-PACKAGE)",
        "UpdatePipeline",
        "  1 SelfMutate",
        "Assets",
        "  1 publish the application's assets, where it has any",
        "Beta (time budget 30 min)",
        "  1 deploy fruit-beta-eu-west-1 to 222222222222/eu-west-1",
        "  2 IntegrationTest in eu-west-1",
        "Gamma (time budget 40 min, rolls back on failure)",
        "  1 deploy fruit-gamma-eu-west-1 to 333333333333/eu-west-1",
        "  1 deploy fruit-gamma-eu-west-2 to 333333333333/eu-west-2",
        "  1 deploy fruit-gamma-eu-west-3 to 333333333333/eu-west-3",
        "  2 Bake for 15 minutes",
        "Approve-Prod (closed when a wave fails)",
        "  1 Summarize-Changes",
        "  2 Approve",
        "Prod-one-box (rolls back on failure)",
        "  1 deploy fruit-prod-eu-west-1 to 444444444444/eu-west-1",
        "Prod-rest (rolls back on failure)",
        "  1 deploy fruit-prod-eu-west-2 to 444444444444/eu-west-2",
        "  1 deploy fruit-prod-eu-west-3 to 444444444444/eu-west-3",
    ]


def test_without_self_mutation_there_is_no_stage_for_it() -> None:
    plan = plan_of([Wave("all", REGIONS)], SelfMutation.OFF)
    assert "UpdatePipeline" not in [stage.name for stage in plan.stages]


def test_a_window_and_a_calendar_stand_before_every_wave_and_on_none() -> None:
    plan = plan_of(
        [Wave("a", REGIONS[:1]), Wave("b", REGIONS[1:2]), Wave("c", REGIONS[2:3])],
        window=DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin"),
        calendar=ChangeCalendar(["year-end-freeze"]),
    )
    notes = "window MON-THU 09:00-16:00 Europe/Berlin, calendar year-end-freeze"
    lines = str(plan).splitlines()
    assert [
        line
        for line in lines[lines.index("Gamma (time budget 40 min, rolls back on failure)") :]
        if line[0] != " "
    ] == [
        "Gamma (time budget 40 min, rolls back on failure)",
        f"Approve-Prod ({notes}, closed when a wave fails)",
        "Prod-a (rolls back on failure)",
        f"Open-b ({notes})",
        "Prod-b (rolls back on failure)",
        f"Open-c ({notes})",
        "Prod-c (rolls back on failure)",
    ]
    assert lines[lines.index(f"Open-b ({notes})") + 1] == "  1 Announce Prod-b"
    assert plan.entrance == "Approve-Prod"
    assert plan.wave_names == ("Prod-a", "Prod-b", "Prod-c")
    assert plan.production_names == ("Prod-a", "Open-b", "Prod-b", "Open-c", "Prod-c")
