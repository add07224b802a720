"""The five stages, and the pipeline that is made of them."""

from dpra_constructs.pipeline.beta_stage import BetaStage
from dpra_constructs.pipeline.build_stage import BuildStage
from dpra_constructs.pipeline.definitions import SelfMutation
from dpra_constructs.pipeline.deployment_pipeline import DeploymentPipeline
from dpra_constructs.pipeline.gamma_stage import GammaStage
from dpra_constructs.pipeline.plan import Limits, PipelinePlan
from dpra_constructs.pipeline.prod_waves import ProdWaves
from dpra_constructs.pipeline.source_stage import SourceStage

__all__ = [
    "BetaStage",
    "BuildStage",
    "DeploymentPipeline",
    "GammaStage",
    "Limits",
    "PipelinePlan",
    "ProdWaves",
    "SelfMutation",
    "SourceStage",
]
