"""Pictures with one class each, such as ImageNet: in a folder per class, or in TFDS.

What a training reads of them are strings, which `parse` turns into an encoded picture and a class:
a line naming a file, or a record that TFDS wrote. Either way nothing is copied.
"""
