"""`maskconver new`: looks at a dataset and at the machine, and writes a first experiment."""
