"""Commands that use a trained model: predictions and exports."""
