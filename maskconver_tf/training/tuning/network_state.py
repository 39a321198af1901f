"""What the proposals of a network on a dataset depend on."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import tf_keras

from maskconver_tf.training.run_files.run_folder import RunFolder

_DATASET_FILE = "dataset.json"


def network_state(folder: RunFolder, data: Any, network: tf_keras.Model) -> dict[str, Any]:
    """Describes network and dataset. Equal descriptions mean equal proposals.

    Args:
      folder: of the run.
      data: an `EvaluationInput`.
      network: with the run's weights.
    """
    weights = hashlib.sha256()
    for variable in network.variables:
        weights.update(variable.numpy().tobytes())
    config = json.dumps(network.get_config(), sort_keys=True, default=lambda o: type(o).__name__)
    # Keras numbers the layers of a process: a second model has other names.
    config = re.sub(r'_\d+(?=["/:])', "", config)
    listed = data.folder.path / _DATASET_FILE
    return {
        "run": str(folder.path),
        "weights": weights.hexdigest(),
        "model": hashlib.sha256(config.encode()).hexdigest(),
        "precision": network.dtype_policy.name,
        "data": str(data.data_dir),
        "dataset": hashlib.sha256(listed.read_bytes()).hexdigest() if listed.is_file() else None,
        "input_size": list(data.input_size),
        "max_examples": data.max_examples,
    }
