"""The CDK app of the fruit service: its pipeline, with the application in it."""

from infrastructure import main

main()
