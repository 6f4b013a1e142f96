"""Looks at data, networks and checkpoints: what is fed, what it costs, what it withstands."""
