"""Faults of a config in words for people, each at its place."""
