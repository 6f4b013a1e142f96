"""Finds the samples of a folder, and their split."""
