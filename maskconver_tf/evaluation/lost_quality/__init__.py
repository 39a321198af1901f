"""Where panoptic quality is lost: kinds of errors, what they cost and what mending them brings."""
