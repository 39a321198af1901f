"""Tasks that a run can learn, one class each."""
