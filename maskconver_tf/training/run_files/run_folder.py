"""A run's folder: what is in it, and how a model comes back out of it.

`config.gin` holds every binding of the run, for `evaluate`, `export` and `predict`;
`operative_config.gin` also the defaults that took part. `categories.json` is the class list.
`checkpoints/` hold the training state, `best/` the averaged weights of the evaluation with the
highest score, `summaries/` TensorBoard's scalars and pictures, `results.json` the last evaluation.
`run.json` says what started the run: command, seed, versions, git revision, devices. `wandb_id` is
the name of its W&B run, if it has one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path

import tensorflow as tf
import tf_keras

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.disk_errors import explain_write_errors
from maskconver_tf.files.paths import RemotePath
from maskconver_tf.files.whole_file import write_text_whole
from maskconver_tf.training.run_files.checkpoints import load_weights
from maskconver_tf.training.run_files.run_lock import locked


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Paths of a run, and the few rules about them.

    Attributes:
      path: the folder, `--model_dir`; in a bucket a `RemotePath`.
    """

    path: Path | RemotePath

    @property
    def config(self) -> Path:
        return self.path / "config.gin"

    @property
    def operative_config(self) -> Path:
        return self.path / "operative_config.gin"

    @property
    def categories_file(self) -> Path:
        return self.path / "categories.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        return self.path / "best"

    @property
    def best_score(self) -> Path:
        return self.best / "score.json"

    @property
    def summaries(self) -> Path:
        return self.path / "summaries"

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    @property
    def provenance(self) -> Path | RemotePath:
        return self.path / "run.json"

    @property
    def wandb_id(self) -> Path | RemotePath:
        return self.path / "wandb_id"

    @property
    def not_finite(self) -> Path | RemotePath:
        return self.path / "not_finite.json"

    def categories(self) -> Categories:
        """The class list the run was trained for.

        Raises:
          UserError: the folder holds no run.
        """
        if not self.categories_file.is_file():
            raise UserError(
                f"{self.path}: no run is here ({self.categories_file.name} is missing); give the "
                "--model_dir of `maskconver train`"
            )
        return Categories.load(self.categories_file)

    def claim_for(self, categories: Categories) -> None:
        """Makes the folder, or checks that it belongs to a run with the same classes.

        A start that ended before its first checkpoint leaves nothing that binds the next one.

        Raises:
          UserError: it was trained for other classes, or cannot be written.
        """
        with explain_write_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            weights = [str(self.checkpoints / "ckpt-*.index"), str(self.best / "weights-*.index")]
            if not self.categories_file.exists() or not tf.io.gfile.glob(weights):
                categories.save(self.categories_file)
                return
        known = Categories.load(self.categories_file)
        if known.to_coco() != categories.to_coco():
            raise UserError(
                f"{self.path}: this run was trained for {len(known)} classes "
                f"({first_names(known)}), the data has {len(categories)} "
                f"({first_names(categories)}); choose another --model_dir or the run's own data"
            )

    @contextlib.contextmanager
    def locked(self):
        """Keeps a second process from training in the same folder.

        Raises:
          UserError: another one does.
        """
        with contextlib.ExitStack() as stack:
            with explain_write_errors(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self.path))
            yield

    def take_best_score(self, other: RunFolder) -> None:
        """Makes the best score of another folder this one's, so that both keep the same weights."""
        if other.best_score.exists():
            self.best.mkdir(parents=True, exist_ok=True)
            self.best_score.write_text(other.best_score.read_text())

    def save_best(self, model: tf_keras.Model, score: float, step: int, metric: str = "pq") -> bool:
        """Keeps the model's weights if no earlier evaluation had a higher score; tells whether."""
        if (best := self._best()) and best[metric] >= score:
            return False
        before = self._best_weights()
        with explain_write_errors(self.best, "No checkpoint was lost."):
            tf.train.Checkpoint(model=model).write(str(self.best / f"weights-{step}"))
            # From here on they are the best ones, whenever the process dies.
            write_text_whole(self.best_score, json.dumps({metric: score, "step": step}) + "\n")
        if before and before != str(self.best / f"weights-{step}"):
            for file in tf.io.gfile.glob([f"{before}.index", f"{before}.data-*"]):
                tf.io.gfile.remove(file)
        return True

    def _best_weights(self) -> str | None:
        """The checkpoint of the best evaluation, if there was one."""
        best = self._best()
        return str(self.best / f"weights-{best['step']}") if best else None

    def _best(self) -> dict[str, float]:
        """The best evaluation's step, and its score by metric; empty where none was."""
        if not self.best_score.exists():
            return {}
        try:
            return json.loads(self.best_score.read_text())
        except ValueError as error:
            raise UserError(
                f"{self.best_score}: no JSON ({error}), so a disk has lost it; delete {self.best}: "
                "the newest of checkpoints/ counts until the next evaluation"
            ) from error

    def weights(self) -> str | None:
        """The best weights, or the newest where no evaluation has run yet."""
        return self._best_weights() or tf.train.latest_checkpoint(str(self.checkpoints))

    def restore(self, model: tf_keras.Model) -> str:
        """Restores the best weights, or the newest where no evaluation has run yet.

        Raises:
          UserError: there are none, or they are of another model.
        """
        weights = self.weights()
        if weights is None:
            raise UserError(
                f"{self.path}: no checkpoint yet; the run has not reached its first one"
            )
        load_weights(tf.train.Checkpoint(model=model), weights)
        return weights


def first_names(categories: Categories) -> str:
    """The start of a class list, for messages."""
    names = ", ".join(categories.names[:3])
    return names + (", ..." if len(categories) > 3 else "")
