"""Pictures as instruments make them: more bits, floats, any number of channels."""
