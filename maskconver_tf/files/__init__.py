"""Whatever touches a disk, a bucket or a codec."""
