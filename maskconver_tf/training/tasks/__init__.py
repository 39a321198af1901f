"""What is trained: model, loss, inputs and evaluation of each kind of training."""
