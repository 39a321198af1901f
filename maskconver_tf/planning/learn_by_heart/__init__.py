"""Whether a model can learn a few pictures by heart, and what is wrong if it cannot."""
