"""The bytes of PNG, JPEG and TIFF files: whether a file is whole, and the numbers in its pixels."""
