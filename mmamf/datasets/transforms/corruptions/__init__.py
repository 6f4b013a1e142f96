"""Damages one modality for robustness tests: a base class, and a file for each corruption."""
