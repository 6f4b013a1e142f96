"""Training, test and demo, as the command line calls them."""
