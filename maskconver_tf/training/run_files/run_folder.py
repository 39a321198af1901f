"""The folder of a run: its files, and how to restore a model from it.

config.gin            all bindings of the run, for `evaluate`, `export` and `predict`
operative_config.gin  all values that the run used, defaults included
categories.json       the class list
checkpoints/          the training state
best/                 the averaged weights of the evaluation with the highest score
summaries/            numbers and pictures for TensorBoard
results.json          the last evaluation
thresholds.json       the thresholds that somebody chose for predictions, if any
score_curves.json     the curves that recalibrate the scores of predictions, if any
run.json              how the run was started: command, seed, versions, git revision, devices
not_finite.json       the pictures of the batch whose loss or gradient was not finite, if any
plan.json             how many steps fit into the minutes of the run, if it counts minutes
wandb_id              the id of the run at Weights & Biases, if it has one
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf
import tf_keras

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.class_difference import class_difference
from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.files.disk_errors import explain_write_errors
from maskconver_tf.files.paths import RemotePath, pattern_free_path
from maskconver_tf.files.whole_file import write_text_whole
from maskconver_tf.inference.model_folder import describe_other, is_run
from maskconver_tf.training.run_files.checkpoint_reading import (
    newest_checkpoint,
    restore_checkpoint,
)
from maskconver_tf.training.run_files.run_lock import hold_lock

_CONFIG_START = "# The settings of a run. The last line says that the file is whole."
_CONFIG_END = "# The file is whole."


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The files of a run, and the rules for them.

    Attributes:
      path: the folder, `--model_dir`. A `RemotePath` if it is in a bucket.
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
    def results_file(self) -> Path:
        return self.path / "results.json"

    def last_evaluated_step(self) -> int:
        """Returns the step of the last evaluation; -1 without one, or with a damaged file."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return int(json.loads(self.results_file.read_text())["step"])
        return -1

    @property
    def time_plan(self) -> Path | RemotePath:
        return self.path / "plan.json"

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
        """Reads the class list that the run was trained for.

        Raises:
          UserError: the folder holds no run.
        """
        if not self.categories_file.is_file():
            raise self.missing_file(self.categories_file)
        return Categories.load(self.categories_file)

    def save_config(self, text: str) -> None:
        """Writes `config.gin`, with a last line by which `check_config` knows that it is whole."""
        write_text_whole(self.config, f"{_CONFIG_START}\n{text.rstrip()}\n{_CONFIG_END}\n")

    def check_config(self) -> None:
        """Raises `UserError` if `config.gin` is missing, empty or cut.

        Half of a configuration can be valid, and then the run would silently predict with other
        settings.
        """
        if not self.config.is_file():
            raise self.missing_file(self.config)
        text = self.config.read_bytes().decode("utf-8", "replace")
        is_cut = text.startswith(_CONFIG_START) and text.rstrip().splitlines()[-1] != _CONFIG_END
        if is_cut or not text.strip():
            raise UserError(
                f"{self.config}: {'the end is missing' if is_cut else 'the file is empty'}. Copy "
                "it again, or write it with the run's own `maskconver train` command, which "
                "continues the run"
            )

    def missing_file(self, file: Path | RemotePath) -> UserError:
        """Returns the error for a missing file: the folder holds no run, or half of one."""
        if not is_run(self.path):
            return UserError(
                f"{self.path}: no run is here, {file.name} is missing "
                f"({describe_other(self.path)}). Give the --model_dir of `maskconver train`"
            )
        return UserError(
            f"{file}: missing, but other files of the run are here. Copy it again, or write it "
            "with the run's own `maskconver train` command, which continues the run"
        )

    def create_or_check(self, categories: Categories) -> None:
        """Makes the folder, or checks that it belongs to a run with the same classes.

        If the earlier run ended before its first checkpoint, its classes do not matter.

        Raises:
          UserError: the folder belongs to a run with other classes, or cannot be written.
        """
        with explain_write_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            has_weights = any(
                _files_named(folder, r"(ckpt|weights)-\d+\.index")
                for folder in (self.checkpoints, self.best)
            )
            if not self.categories_file.exists() or not has_weights:
                categories.save(self.categories_file)
                return
        known = Categories.load(self.categories_file)
        if differs := class_difference(known, categories):
            raise UserError(
                f"{self.path}: this run was trained for {len(known)} classes "
                f"({join_first_names(known.names)}), but the data has {len(categories)} "
                f"({join_first_names(categories.names)}). They differ in "
                f"{differs}. Choose another --model_dir, or the data of this run"
            )

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Locks the folder: in this context no other process can train there.

        Raises:
          UserError: another process is training there, or the folder cannot be written.
        """
        with contextlib.ExitStack() as stack:
            with explain_write_errors(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                stack.enter_context(hold_lock(self.path))
            yield

    def copy_best_score(self, other: RunFolder) -> None:
        """Copies the best score of another folder, so that both then save the same weights."""
        if other.best_score.exists():
            self.best.mkdir(parents=True, exist_ok=True)
            self.best_score.write_text(other.best_score.read_text())

    def save_if_best(
        self, model: tf_keras.Model, score: float, step: int, metric: str = "pq"
    ) -> bool:
        """Saves the model's weights if no earlier evaluation had the same score or a higher one.

        Returns whether it saved them.
        """
        if (best := self._best_evaluation()) and best[metric] >= score:
            return False
        before = self._best_weights()
        with explain_write_errors(self.best, "No checkpoint was lost"):
            prefix = pattern_free_path(self.best / f"weights-{step}")
            tf.train.Checkpoint(model=model).write(prefix)
            # From now on these weights are the best ones, even if the process dies.
            write_text_whole(self.best_score, json.dumps({metric: score, "step": step}) + "\n")
        if before and before != str(self.best / f"weights-{step}"):
            name = re.escape(before.rpartition("/")[2])
            for file in _files_named(self.best, rf"{name}\.(index|data-.*)"):
                tf.io.gfile.remove(str(file))
        return True

    def _best_weights(self) -> str | None:
        """Returns the checkpoint of the best evaluation, or None without an evaluation."""
        best = self._best_evaluation()
        return str(self.best / f"weights-{best['step']}") if best else None

    def _best_evaluation(self) -> dict[str, float]:
        """Reads the step and the metric of the best evaluation. Empty without an evaluation."""
        if not self.best_score.exists():
            return {}
        way_out = (
            f"Delete {self.best}: then the newest checkpoint is used until the next evaluation"
        )
        try:
            best = json.loads(self.best_score.read_text())
        except ValueError as error:
            raise UserError(
                f"{self.best_score}: not JSON ({error}), so it is damaged. {way_out}"
            ) from error
        if not isinstance(best, dict) or type(best.get("step")) is not int:
            raise UserError(
                f"{self.best_score}: found {typed_repr(best)}; expected an object whose step is a "
                f"whole number, the step of the best evaluation, so it is damaged. {way_out}"
            )
        return best

    def best_or_newest_checkpoint(self) -> str | None:
        """Returns the best weights, or the newest checkpoint if there was no evaluation yet.

        Returns None if there is neither.
        """
        return self._best_weights() or newest_checkpoint(self.checkpoints)

    def restore(self, model: tf_keras.Model) -> str:
        """Restores a model from `best_or_newest_checkpoint`, whose path it returns.

        Raises:
          UserError: there is no checkpoint, or it belongs to another model.
        """
        checkpoint = self.best_or_newest_checkpoint()
        if checkpoint is None:
            raise UserError(
                f"{self.path}: found no checkpoint, expected one in {self.checkpoints.name}/. The "
                "run has not reached its first checkpoint yet. Continue it with its own "
                "`maskconver train` command"
            )
        restore_checkpoint(tf.train.Checkpoint(model=model), checkpoint)
        return checkpoint


def _files_named(folder: Path | RemotePath, pattern: str) -> list[Path | RemotePath]:
    """Returns the files in a folder whose whole name matches a regular expression."""
    if not folder.is_dir():
        return []
    names = tf.io.gfile.listdir(str(folder))
    return [folder / name for name in names if re.fullmatch(pattern, name)]


def join_first_names(names: Sequence[str], count: int = 3) -> str:
    """Joins the first names of a list, for messages. The rest becomes "..."."""
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")
