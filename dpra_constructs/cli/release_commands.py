"""The commands `dpra resume` and `dpra override`."""

from __future__ import annotations

import click

from dpra_constructs.cli.asking_aws import asking_aws, place
from dpra_constructs.release.override import choose, held_executions
from dpra_constructs.release.override import override as let_pass
from dpra_constructs.release.resume import closed_stages, open_stages, stages_to_open


@click.command()
@click.argument("pipeline")
@click.option("--stage", help="A stage that a person has closed, instead of the stopped line.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@place
def resume(
    pipeline: str, stage: str | None, yes: bool, region: str | None, profile: str | None
) -> None:
    """Let releases into production again, after a failed wave has stopped the line.

    It shows why the line was stopped, and asks. What you need is in the managed policy
    <pipeline>-<region>-resume.
    """
    with asking_aws(region, profile) as client:
        codepipeline = client("codepipeline")
        closed = closed_stages(codepipeline.get_pipeline_state(name=pipeline))
        stages = stages_to_open(closed, pipeline=pipeline, stage=stage)
        for each in stages:
            since = f", since {each.at:%Y-%m-%d %H:%M %Z}" if each.at else ""
            click.echo(f"{each.stage} is closed{since}{f', by {each.by}' if each.by else ''}")
            click.echo(f"  {each.reason}")
        if not yes:
            click.confirm("Let releases in?", abort=True)
        open_stages(stages, pipeline=pipeline, codepipeline=codepipeline)
        click.echo(f"{', '.join(each.stage for each in stages)} open")


@click.command()
@click.argument("pipeline")
@click.option("--stage", help="The pipeline stage, like Gamma.")
@click.option("--wave", help="Or the wave, like one-box.")
@click.option("--reason", required=True, help="Why; everyone who is notified reads it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@place
def override(
    pipeline: str,
    stage: str | None,
    wave: str | None,
    reason: str,
    yes: bool,
    region: str | None,
    profile: str | None,
) -> None:
    """Break glass: let a release pass a bake that runs, or a window or calendar that is closed.

    It holds for one execution in one stage. AWS records who you are, and the pipeline's
    notifications tell it with the reason. What you need is in the managed policy
    <pipeline>-<region>-override.
    """
    if stage and wave:
        raise click.UsageError("give --stage or --wave, not both")
    with asking_aws(region, profile) as client:
        codepipeline = client("codepipeline")
        held = choose(
            held_executions(codepipeline.get_pipeline_state(name=pipeline)),
            pipeline=pipeline,
            stage=stage,
            wave=wave,
        )
        click.echo(str(held))
        if not yes:
            click.confirm("Let the release pass?", abort=True)
        let_pass(
            held,
            pipeline=pipeline,
            reason=reason,
            codepipeline=codepipeline,
            ssm=client("ssm"),
        )
        click.echo(f"{held} is overridden: {reason}")
