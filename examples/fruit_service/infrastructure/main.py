"""What `app.py` runs."""

import sys

from aws_cdk import App
from dpra_constructs import DpraError

from .pipeline import FruitServicePipeline
from .settings import CONTEXT, Settings


def main() -> None:
    """Synthesize the pipeline as `cdk.json` says, or end with what is wrong there."""
    app = App()
    try:
        settings = Settings.from_context(app.node.try_get_context(CONTEXT))
        FruitServicePipeline(app, "FruitServicePipeline", settings=settings)
    except DpraError as error:
        sys.exit(f"error: {error}")
    app.synth()
