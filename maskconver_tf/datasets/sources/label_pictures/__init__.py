"""Sources whose truth is pictures of labels."""
