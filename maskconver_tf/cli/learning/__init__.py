"""Commands that train a model, or say what a training needs."""
