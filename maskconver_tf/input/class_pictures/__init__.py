"""Reads pictures with one class each, such as ImageNet: from a folder per class, or from TFDS.

The pipeline reads strings, and `parse` turns each into an encoded picture and a class. A string is
a line that names a file, or a record that TFDS wrote. No picture is copied.
"""
