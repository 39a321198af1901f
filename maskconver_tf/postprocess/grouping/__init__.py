"""Groups pixels to segments by a class map and the centers of things, as Panoptic-DeepLab does."""
