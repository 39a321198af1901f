"""tf_keras layers that models share."""
