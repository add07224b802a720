"""What runs in Lambda and in `dpra metrics`: the standard library and boto3 alone."""
