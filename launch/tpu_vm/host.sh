#!/usr/bin/env bash
# Runs on the TPU VM. launch/tpu_vm/slice.sh copies it there and calls it.
#
#   host.sh install            install Python, the package and tensorflow-tpu, and check the TPU
#   host.sh start ARGUMENTS    start `maskconver ARGUMENTS` in the background
#   host.sh status             print new, running, exit CODE, or gone (the host was restarted)
#   host.sh log                follow the log until training ends
#   host.sh stop               tell training to save and stop
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$here/venv

fail() {
    printf 'host.sh: error: %s\n' "$*" >&2
    exit 2
}

# find_python: prints the newest installed Python that the package supports.
find_python() {
    local python
    for python in python3.13 python3.12 python3.11; do
        if command -v "$python" >/dev/null && "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    return 1
}

install() {
    local python
    if ! python=$(find_python); then
        sudo apt-get update -qq
        sudo apt-get install -qq -y python3.11 python3.11-venv
        python=$(find_python) || fail "found no Python 3.11 to 3.13, and apt-get installed none;" \
            "install one of them and run host.sh install again"
    fi
    sudo mkdir -p /opt/maskconver
    sudo rm -rf /opt/maskconver/tensorflow_stub
    sudo cp -r "$here/tensorflow_stub" /opt/maskconver/
    [[ -x $venv/bin/pip ]] || "$python" -m venv --clear "$venv"
    # The environment's own pip.conf also applies to a later `pip install`, which cannot undo this.
    printf '[install]\nconstraint =\n    %s\n    %s\n' \
        "$here/constraints.txt" "$here/constraints-tpu.txt" >"$venv/pip.conf"
    "$venv/bin/pip" install --quiet --upgrade pip setuptools wheel
    "$venv/bin/pip" install --quiet "$here"/*.whl tensorflow-tpu libtpu
    check
}

# check: stops unless TensorFlow is the one for TPUs and finds a TPU. Without a TPU, libtpu would keep
# trying for more than ten minutes, so there is a time limit.
check() {
    timeout "${TPU_TIMEOUT:-300}" "$venv/bin/python" - <<'PYTHON' ||
import importlib.metadata
import sys

stub = importlib.metadata.distribution("tensorflow")
if any(str(file).startswith("tensorflow/") for file in stub.files or []):
    sys.exit("plain tensorflow overwrote tensorflow-tpu; delete venv/ and install again")

import tensorflow as tf

resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect("local")
print(f"TensorFlow {tf.__version__} sees {resolver.num_accelerators()} on this host")
PYTHON
        fail "TensorFlow found no TPU on this host. See the lines above; if there are none, it timed out"
}

# is_running: whether the process in the file `pid` is our training. After a reboot another process may
# have its number.
is_running() {
    [[ -f $here/pid ]] && grep -qs maskconver "/proc/$(cat "$here/pid")/cmdline"
}

start() {
    ! is_running || fail "training already runs (process $(cat "$here/pid")); run host.sh stop first"
    rm -f "$here/exit_code" "$here/pid"
    # Its own session keeps it alive when this ssh connection ends.
    setsid bash "$here/host.sh" run "$@" </dev/null >/dev/null 2>&1 &
    until [[ -f $here/pid || -f $here/exit_code ]]; do sleep 0.1; done
}

# run ARGUMENTS: runs `maskconver ARGUMENTS` in the foreground. The file `pid` holds its process number
# while it runs, and `exit_code` its exit code afterwards.
run() {
    local code=0
    "${MASKCONVER:-$venv/bin/maskconver}" "$@" >>"$here/log" 2>&1 &
    echo $! >"$here/pid"
    wait $! || code=$?
    echo "$code" >"$here/exit_code"
    rm -f "$here/pid"
}

status() {
    if is_running; then
        echo running
    elif [[ -f $here/exit_code ]]; then
        echo "exit $(cat "$here/exit_code")"
    elif [[ -f $here/pid ]]; then
        echo gone # a reboot also ended the process that would have written exit_code
    else
        echo new
    fi
}

log() {
    touch "$here/log"
    if is_running; then
        tail -n 50 -f --pid="$(cat "$here/pid")" "$here/log"
    else
        tail -n 50 "$here/log"
    fi
}

stop() {
    is_running || fail "no training is running here, so there is nothing to stop"
    kill -TERM "$(cat "$here/pid")"
}

case ${1:-} in
    install | start | run | status | log | stop) "$@" ;;
    *) fail "expected install, start, status, log or stop, found '${1:-}'; the top of host.sh explains them" ;;
esac
