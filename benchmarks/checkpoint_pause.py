"""How long training stands still for a checkpoint, written beside the steps and between them.

    python benchmarks/checkpoint_pause.py [--megabytes 64 256] [--saves 8]

Dense layers with AdamW and a moving average, of the size asked for in all; both ways take turns,
and nothing is computed meanwhile. Medians leave out the first two saves: the first one makes the
copies' variables, the second traces the function that fills them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import tf_keras

from maskconver_tf.training import optimizers
from maskconver_tf.training.checkpoints import CheckpointManager, make_checkpoint_manager

WIDTH = 1024
VALUES_PER_WEIGHT = 4  # itself, two moments and the average


def managers(folder: Path, megabytes: int) -> tuple[list[CheckpointManager], object]:
    """One that writes between the steps, one that writes beside them, and their step counter."""
    num_layers = max(1, round(megabytes * 2**20 / (4 * VALUES_PER_WEIGHT * WIDTH**2)))
    layers = [tf_keras.layers.Dense(WIDTH, use_bias=False) for _ in range(num_layers)]
    model = tf_keras.Sequential([tf_keras.layers.Input([WIDTH]), *layers])
    optimizer = optimizers.make_optimizer(1000, ema_decay=0.99)
    optimizers.prepare(optimizer, model)
    both = [
        make_checkpoint_manager(folder / str(background), model, optimizer, 1, 1, None, background)
        for background in (False, True)
    ]
    return both, optimizer.iterations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--saves", type=int, default=8)
    args = parser.parse_args()
    print("MB     between, s   beside, s   first two beside, s   pause, ratio")
    for megabytes in args.megabytes:
        with tempfile.TemporaryDirectory() as folder:
            both, step = managers(Path(folder), megabytes)
            pauses: list[list[float]] = [[], []]
            for _ in range(args.saves):
                for manager, seconds in zip(both, pauses):
                    step.assign_add(1)
                    begun = time.monotonic()
                    manager.save(checkpoint_number=int(step.numpy()))
                    seconds.append(time.monotonic() - begun)
                    manager.sync()
        between, beside = (statistics.median(seconds[2:]) for seconds in pauses)
        first = f"{pauses[1][0]:.2f} and {pauses[1][1]:.2f}"
        print(f"{megabytes:<6} {between:<12.3f} {beside:<11.3f} {first:<21} {between / beside:.0f}")


if __name__ == "__main__":
    main()
