"""Published networks for RGB and depth, built from a user's checkout of their authors' code."""
