import tensorflow as tf
import tf_keras

from maskconver_tf.models.variable_names import named_variables


class Two(tf_keras.Model):
    def __init__(self):
        super().__init__()
        self.stacks = {"5": [tf_keras.layers.Dense(2), tf_keras.layers.Dense(3)]}
        self.norm = tf_keras.layers.BatchNormalization()
        self.same = self.norm

    def call(self, x):
        for layer in self.stacks["5"]:
            x = layer(x)
        return self.norm(x)


def test_names_are_those_of_a_checkpoint_whatever_was_built_before(tmp_path):
    for _ in range(2):
        model = Two()
        model(tf.zeros([1, 4]))
        names = named_variables(model)
        assert set(names) == {
            "stacks/5/0/kernel",
            "stacks/5/0/bias",
            "stacks/5/1/kernel",
            "stacks/5/1/bias",
            *(f"norm/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")),
        }
        assert [id(v) for v in names.values()] == [id(v) for v in model.variables]
        path = tf.train.Checkpoint(model=model).write(str(tmp_path / "weights"))
        shapes = tf.train.load_checkpoint(path).get_variable_to_shape_map()
        for name, variable in names.items():
            assert shapes[f"model/{name}/.ATTRIBUTES/VARIABLE_VALUE"] == variable.shape
