"""The model, one file per box of the paper's figure."""
