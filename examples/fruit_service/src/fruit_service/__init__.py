"""Sells fruit: a page, its prices, and what a basket costs."""
