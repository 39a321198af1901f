"""Takes a run's folder for one training, over all its processes."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.checkpoints import leave_out_damaged
from maskconver_tf.training.run_files.run_folder import RunFolder


@contextlib.contextmanager
def claimed(folder: RunFolder, categories: Categories, workers: Workers) -> Iterator[RunFolder]:
    """Makes the folder this run's; yields the folder that this process writes into.

    All workers must take part in writing, and only the chief's counts: the others' goes into a
    folder that is deleted.

    Raises:
      UserError: the folder is another run's, in use, or holds nothing but damaged checkpoints.
    """
    with contextlib.ExitStack() as stack:
        if workers.is_chief:
            stack.enter_context(folder.locked())
            folder.claim_for(categories)
            leave_out_damaged(folder.checkpoints)
        workers.wait()
        if workers.is_chief:
            yield folder
            return
        scratch = RunFolder(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        scratch.claim_for(categories)
        scratch.take_best_score(folder)
        yield scratch
