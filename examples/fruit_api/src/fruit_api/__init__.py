"""Keeps the prices of fruit."""
