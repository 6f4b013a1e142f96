"""Reads every file once, and keeps what it contains in few numbers."""
