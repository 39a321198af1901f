"""What `maskconver predict` writes of a picture: drawings, tables, and files of other programs."""
