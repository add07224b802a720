"""Code that runs in the pipeline's Lambda functions: standard library and boto3 alone."""
