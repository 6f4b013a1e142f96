"""Parts of tools/analysis/benchmark.py."""
