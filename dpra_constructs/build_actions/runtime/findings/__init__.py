"""What tools found, as a JUnit report: `report.py`, and one reader a format beside it."""
