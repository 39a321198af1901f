"""From somebody's folder to checked records, offline."""
