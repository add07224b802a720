"""The CDK app of the fruit API: its pipeline, with the application in it."""

from infrastructure import main

main()
