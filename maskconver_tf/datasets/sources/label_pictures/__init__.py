"""Sources whose truth is PNG files with a label in each pixel."""
