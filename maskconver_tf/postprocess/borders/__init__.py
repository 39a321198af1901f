"""Decides who wins each pixel, and looks at pixels only at the borders of masks."""
