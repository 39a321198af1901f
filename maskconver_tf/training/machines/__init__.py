"""The devices and processes of a run, and how the run stops on a signal."""
