"""Measures how long training pauses for a checkpoint, with and without background writes.

    python benchmarks/checkpoint_pause.py [--gin_file experiments/demo.gin] [--saves 7]

The script saves the model and optimizer of an experiment. It needs no data and trains nothing. Both
ways take turns. The first save of each is not counted, because it allocates the copies.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from maskconver_tf.config import configuration
from maskconver_tf.planning.preflight.step_program import StepProgram
from maskconver_tf.training.run_files.checkpoints import make_checkpoint_manager
from maskconver_tf.training.train import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gin_file", default="experiments/demo.gin", help="experiment")
    parser.add_argument("--num_classes", type=int, default=13, help="classes of the model")
    parser.add_argument("--saves", type=int, default=7, help="checkpoints of each way")
    args = parser.parse_args()
    configuration.load([args.gin_file])
    arguments = configuration.arguments_of(train, ["model_dir", "on_built"])
    program = StepProgram(arguments, args.num_classes)
    state, step = (program.model, program.optimizer), program.optimizer.iterations
    variables = len([v for part in state for v in part.variables])
    with tempfile.TemporaryDirectory() as folder:
        both = [
            make_checkpoint_manager(Path(folder) / str(way), *state, 1, 1, in_background=way)
            for way in (False, True)
        ]
        pauses: list[list[float]] = [[], []]
        wholes: list[list[float]] = [[], []]
        for _ in range(args.saves):
            for manager, pause, whole in zip(both, pauses, wholes):
                step.assign_add(1)
                begun = time.monotonic()
                path = manager.save(checkpoint_number=int(step.numpy()))
                pause.append(time.monotonic() - begun)
                manager.sync()
                whole.append(time.monotonic() - begun)
        size = sum(file.stat().st_size for file in Path(path).parent.glob("ckpt-*"))
    between, beside = (statistics.median(seconds[1:]) for seconds in pauses)
    print(f"{args.gin_file}: {variables} variables, {size / 1e6:.0f} MB")
    print(f"pause for a write between steps {between:.3f} s, in the background {beside:.3f} s")
    whole = statistics.median(wholes[1][1:])
    print(f"ratio {between / beside:.1f}; the background write takes {whole:.3f} s")


if __name__ == "__main__":
    main()
