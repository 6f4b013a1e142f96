"""The parts of compare_fusion.py: sweep file, runs, results, statistics, costs and report."""
