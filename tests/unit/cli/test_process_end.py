"""The process of a training ends with its message; other processes end as Python ends them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from maskconver_tf.cli import process_end

SCRIPT = """
import atexit, sys, threading, time
from maskconver_tf.cli import process_end
from maskconver_tf.cli.process_end import Ending

class Slow:
    def __del__(self):
        time.sleep(20)

keep = Slow()
keep.itself = keep
atexit.register(lambda: print("at exit", file=sys.stderr))
print("out", end="")
{own}
process_end.leave_at_once()
process_end.leave(Ending({status}, "the message"))
"""


@pytest.mark.parametrize("status", [0, 2, 75, 130])
def test_a_training_leaves_at_once_after_all_is_flushed(status):
    script = SCRIPT.format(own="process_end.own_process()", status=status)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=15
    )
    assert done.returncode == status
    assert done.stdout == "out"
    assert done.stderr.splitlines() == ["at exit", "the message"]


def test_a_program_that_calls_main_is_not_ended(capsys):
    assert not process_end.leave_at_once()
    with pytest.raises(SystemExit) as exit_:
        process_end.leave(process_end.Ending(75, "the message"))
    assert exit_.value.code == 75
    assert capsys.readouterr().err == "the message\n"


def test_a_closed_terminal_does_not_change_the_status():
    script = SCRIPT.format(own="process_end.own_process()", status=75)
    command = f"exec {sys.executable} -c '{script}' 2>&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=15)
    assert done.returncode == 75
