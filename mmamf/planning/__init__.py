"""Plans a training from a folder of images: finds, looks, explains, writes the config."""
