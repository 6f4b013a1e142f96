"""Generator of the rooms data set: furnished rooms seen by a color camera and a depth camera."""
