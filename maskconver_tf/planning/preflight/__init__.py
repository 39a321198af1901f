"""What a training needs, told before it starts; and what a TPU's compiler says of it."""
