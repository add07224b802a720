"""The infrastructure of the fruit service: the application's `cdk.Stage`, and its pipeline."""

from .application import FruitService
from .main import main
from .pipeline import FruitServicePipeline
from .settings import Settings

__all__ = ["FruitService", "FruitServicePipeline", "Settings", "main"]
