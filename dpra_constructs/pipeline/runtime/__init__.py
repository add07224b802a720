"""Code that runs inside the pipeline's builds: standard library and boto3 only."""
