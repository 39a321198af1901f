"""Claims a run's folder for one training, which may have several workers."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.checkpoint_reading import skip_damaged_checkpoints
from maskconver_tf.training.run_files.foreign_files import check_no_foreign_files
from maskconver_tf.training.run_files.run_folder import RunFolder


@contextlib.contextmanager
def claim_run_folder(
    folder: RunFolder, categories: Categories, workers: Workers
) -> Iterator[RunFolder]:
    """Locks and prepares a run's folder. Yields the folder that this worker writes into.

    All workers must take part in writing, but only the files of the chief are kept. Therefore each
    other worker writes into a temporary folder.

    Raises:
      UserError: the folder belongs to another run, is in use, has only damaged checkpoints, or
        holds something else than a run.
    """
    with contextlib.ExitStack() as stack:
        if workers.is_chief:
            check_no_foreign_files(folder)
            stack.enter_context(folder.lock())
            folder.create_or_check(categories)
            skip_damaged_checkpoints(folder.checkpoints)
        workers.wait_for_all()
        if workers.is_chief:
            yield folder
            return
        scratch = RunFolder(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        scratch.create_or_check(categories)
        scratch.copy_best_score(folder)
        yield scratch
