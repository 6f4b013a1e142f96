"""What training, test and demo do when they are called from the command line."""
