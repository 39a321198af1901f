"""Offline: from somebody's folder of pictures to checked records."""
