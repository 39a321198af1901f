"""What is in a dataset, what is wrong with it, and what a perfect model would score on it."""
