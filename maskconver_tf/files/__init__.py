"""Paths, JSON, pictures, id maps: all code that touches a disk, a bucket or a codec."""
