"""Analysis of data, networks and checkpoints: samples, costs, missing modalities, robustness."""
