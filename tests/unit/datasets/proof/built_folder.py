"""A dataset folder in which a test changes records, as a faulty build would have written them."""

import dataclasses
import itertools
import json

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.datasets.proof.proof import prove
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.files.file_hash import sha256_of


class BuiltFolder:
    """A dataset folder of one or more shards; `path` is the folder."""

    def __init__(self, path):
        self.path = path

    @classmethod
    def build(cls, coco, out, **options):
        options = {"workers": 1, "progress": False} | options
        build_dataset(coco.images, coco.panoptic, coco.annotations, out, **options)
        built = cls(out)
        built.sort_records()
        return built

    @property
    def manifest(self):
        return json.loads((self.path / "dataset.json").read_text())

    def shard(self, number=0):
        return self.path / self.manifest["shards"][number]["name"]

    def records(self, number=0):
        """The records of a shard, read by TensorFlow."""
        shard = tf.data.TFRecordDataset(str(self.shard(number)))
        return [_record(example) for example in shard.map(codec.parse).as_numpy_iterator()]

    def sort_records(self):
        """Writes the records in the order of their names, as many as before in each shard."""
        numbers = range(len(self.manifest["shards"]))
        shards = [self.records(number) for number in numbers]
        ordered = iter(sorted(itertools.chain(*shards), key=lambda record: record.file_name))
        for number in numbers:
            self.write([next(ordered) for _ in shards[number]], number)

    def write(self, records, number=0):
        """Writes a shard; dataset.json gets its size, hash and number of records."""
        with tf.io.TFRecordWriter(str(self.shard(number))) as writer:
            for record in records:
                writer.write(record if isinstance(record, bytes) else codec.encode(record))
        self.adopt(num_examples=len(records), number=number)

    def change(self, index, number=0, **changes):
        """Changes fields of one record."""
        records = self.records(number)
        records[index] = dataclasses.replace(records[index], **changes)
        self.write(records, number)

    def adopt(self, number=0, **changes):
        """Gives dataset.json the hashes of the files as they are now."""
        manifest = self.manifest
        entry, path = manifest["shards"][number], self.shard(number)
        entry.update(num_bytes=path.stat().st_size, sha256=sha256_of(path), **changes)
        manifest["num_examples"] = sum(shard["num_examples"] for shard in manifest["shards"])
        manifest["categories_sha256"] = sha256_of(self.path / "categories.json")
        (self.path / "dataset.json").write_text(json.dumps(manifest))
        DatasetFolder(self.path)  # Nothing but a proof finds the change.


def _record(example):
    height, width = example[types.IMAGE_SIZE].tolist()
    segment_map = tf.io.decode_png(example[types.SEGMENT_MAP], dtype=tf.uint16)[..., 0].numpy()
    return codec.PanopticRecord(
        image_bytes=example[types.IMAGE],
        image_id=json.loads(example[types.IMAGE_ID]),
        file_name=example[types.FILE_NAME].decode(),
        height=height,
        width=width,
        segment_map=segment_map,
        segment_ids=example[types.SEGMENT_IDS],
        segment_class_ids=example[types.SEGMENT_CLASS_IDS],
        segment_is_crowd=example[types.SEGMENT_IS_CROWD],
    )


def prove_folder(coco, built, workers=1):
    source = CocoPanoptic(coco.images, coco.panoptic, coco.annotations)
    folder = DatasetFolder(built.path, check_files=False)
    return prove(folder, source, workers, progress=False)


def sum_of(terms):
    return sum(int(term.split()[0]) for term in terms.split(" + "))


def only(findings, kind, *parts):
    """Checks that there is one finding, of this kind, whose text has these parts."""
    [(found_kind, text)] = findings
    assert found_kind == kind
    for part in parts:
        assert part in text
