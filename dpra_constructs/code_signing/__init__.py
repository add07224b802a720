"""What an account's owner deploys so that pipelines can sign the code of Lambda functions."""

from dpra_constructs.code_signing.function_signing_profile import FunctionSigningProfile

__all__ = ["FunctionSigningProfile"]
