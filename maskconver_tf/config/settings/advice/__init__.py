"""What to know about each setting besides its docstring: its unit, and when to change it."""
