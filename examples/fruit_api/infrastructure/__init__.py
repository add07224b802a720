"""The infrastructure of the fruit API: the application's `cdk.Stage`, and its pipeline."""

from .application import FruitApi
from .main import main
from .pipeline import FruitApiPipeline
from .settings import Settings

__all__ = ["FruitApi", "FruitApiPipeline", "Settings", "main"]
