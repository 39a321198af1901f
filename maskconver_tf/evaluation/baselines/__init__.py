"""What plain answers score that need no model, and how a model compares with them."""
