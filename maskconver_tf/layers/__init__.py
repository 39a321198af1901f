"""tf_keras layers that several models share."""
