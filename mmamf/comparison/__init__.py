"""A comparison of methods: sweep file, runs, results, statistics, costs and report."""
