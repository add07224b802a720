"""The code of the canaries: standard library, boto3 and jmespath, which the runtime brings."""
