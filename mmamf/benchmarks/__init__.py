"""Measurements of time and memory: of networks, of loading, and of the start of commands."""
