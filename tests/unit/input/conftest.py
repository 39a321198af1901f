"""The tiny dataset of the input tests."""

import pytest

from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.writer import DatasetWriter
from tests.unit.input.tiny_dataset import CATEGORIES, NUM_EXAMPLES, record


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """Seven examples in two shards; the class of the first segment is the number of the example."""
    folder = tmp_path_factory.mktemp("dataset")
    writer = DatasetWriter(folder, num_shards=2, num_items=NUM_EXAMPLES)
    for number in range(NUM_EXAMPLES):
        writer.write(number, codec.to_features(record(number)))
    writer.finish(CATEGORIES, {}, {}, [])
    return str(folder)
