"""Measurements of time and memory: of the networks, of loading, and of the start of Python."""
