"""The CDK app of this repository: the pipeline of `examples/fruit_api`."""

from examples.fruit_api.infrastructure import main

main()
