"""The five stages, the pipeline, its plan and the engine that builds it.

The constructs are imported from `dpra_constructs`. Nothing is imported here, so that the plan,
which is part of the model, works without aws_cdk.
"""
