"""The parts of a dataset for an experiment: opens, builds and splits them."""
