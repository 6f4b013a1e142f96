"""Mends what a copy of the data can mend."""
