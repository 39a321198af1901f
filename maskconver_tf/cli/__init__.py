"""The `maskconver` command, one file per group of commands."""
