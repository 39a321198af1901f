#!/usr/bin/env bash
# Runs on the TPU VM itself; launch/tpu_vm/slice.sh copies it there and calls it.
#
#   host.sh install            Python, virtual environment, package, tensorflow-tpu, a look at the TPU
#   host.sh start ARGUMENTS    starts `maskconver ARGUMENTS` in the background
#   host.sh status             prints: new, running, exit CODE, or gone (the host was restarted)
#   host.sh log                follows the log until training ends
#   host.sh stop               asks it to save and end
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$here/venv

fail() {
    printf 'host.sh: error: %s\n' "$*" >&2
    exit 2
}

# find_python: the newest Python this package runs on.
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
        python=$(find_python) || fail "no Python 3.11 to 3.13 here, and apt-get brought none"
    fi
    sudo mkdir -p /opt/maskconver
    sudo rm -rf /opt/maskconver/tensorflow_stub
    sudo cp -r "$here/tensorflow_stub" /opt/maskconver/
    [[ -x $venv/bin/pip ]] || "$python" -m venv --clear "$venv"
    # In the environment's own settings, so that a later `pip install` cannot undo it either.
    printf '[install]\nconstraint =\n    %s\n    %s\n' \
        "$here/constraints.txt" "$here/constraints-tpu.txt" >"$venv/pip.conf"
    "$venv/bin/pip" install --quiet --upgrade pip setuptools wheel
    "$venv/bin/pip" install --quiet "$here"/*.whl tensorflow-tpu libtpu
    check
}

# check: that TensorFlow is the one for TPUs, and that it sees one. Where there is none, libtpu asks
# for it for ten minutes and more.
check() {
    timeout "${TPU_TIMEOUT:-300}" "$venv/bin/python" - <<'PYTHON' ||
import importlib.metadata
import sys

stub = importlib.metadata.distribution("tensorflow")
if any(str(file).startswith("tensorflow/") for file in stub.files or []):
    sys.exit("plain tensorflow was installed over tensorflow-tpu; delete venv/ and install again")

import tensorflow as tf

resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect("local")
print(f"TensorFlow {tf.__version__} sees {resolver.num_accelerators()} on this host")
PYTHON
        fail "TensorFlow found no TPU on this host (above; nothing there: it gave up waiting)"
}

# is_running: whether the process of `pid` is there and is ours, not one that got its number later.
is_running() {
    [[ -f $here/pid ]] && grep -qs maskconver "/proc/$(cat "$here/pid")/cmdline"
}

start() {
    ! is_running || fail "training runs already (process $(cat "$here/pid")); host.sh stop first"
    rm -f "$here/exit_code" "$here/pid"
    # In a session of its own: it outlives this ssh connection.
    setsid bash "$here/host.sh" run "$@" </dev/null >/dev/null 2>&1 &
    until [[ -f $here/pid || -f $here/exit_code ]]; do sleep 0.1; done
}

# run ARGUMENTS: `maskconver ARGUMENTS` in the foreground; keeps its number, then its exit code.
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
        echo gone # and so is what would have written its code: a reboot
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
    is_running || fail "no training is running here"
    kill -TERM "$(cat "$here/pid")"
}

case ${1:-} in
    install | start | run | status | log | stop) "$@" ;;
    *) fail "expected install, start, status, log or stop, found '${1:-}'" ;;
esac
