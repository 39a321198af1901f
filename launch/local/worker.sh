#!/usr/bin/env bash
# Trains on several machines at once. Run it on each machine, with the same list of hosts.
#
#   launch/local/worker.sh [--dry-run] [--env FILE] HOSTS INDEX [-- ARGUMENTS OF maskconver train]
#   launch/local/worker.sh [--dry-run] [--env FILE] loopback COUNT [-- ...]
#
# HOSTS is host:port,host:port,... in the same order on every machine. INDEX is this machine's place
# in the list, from 0. Machine 0 writes the checkpoints. MODEL_DIR, TRAIN_DATA and EVAL_DATA must be
# the same place for all machines (a shared folder or gs://).
#
# Training begins when all machines have started. If one dies, the others stop. Run the same command
# on each machine to continue from the newest checkpoint.
#
# `loopback COUNT` starts COUNT workers on this machine, to try things out. They are no faster than
# one worker. Each writes its log into MODEL_DIR-logs; they use COUNT ports from PORT (12345).
#
# Settings: those of train.sh, and PORT.
#
#   on alpha:  launch/local/worker.sh alpha:2222,beta:2222 0
#   on beta:   launch/local/worker.sh alpha:2222,beta:2222 1
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

# tf_config HOSTS INDEX: prints TensorFlow's description of the cluster and of this process.
tf_config() {
    local hosts
    IFS=, read -ra hosts <<<"$1"
    printf '{"cluster": {"worker": %s}, "task": {"type": "worker", "index": %s}}' \
        "$(json_list "${hosts[@]}")" "$2"
}

check_hosts() {
    local host hosts
    IFS=, read -ra hosts <<<"$1"
    ((${#hosts[@]} > 1)) || die "HOSTS: expected two or more of host:port, found '$1'; write" \
        "commas between them, see ${0##*/} --help"
    for host in "${hosts[@]}"; do
        [[ $host =~ ^[^:]+:[0-9]+$ ]] || die "HOSTS: expected host:port, found '$host' in '$1'; write" \
            "$host:12345, for example"
    done
    if [[ ! $2 =~ ^[0-9]+$ ]] || (($2 >= ${#hosts[@]})); then
        die "INDEX: expected 0 to $((${#hosts[@]} - 1)), the place in '$1', found '$2'; see" \
            "${0##*/} --help"
    fi
}

# Stops the workers that still run when one of them has failed.
stop_workers() {
    local pid
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait || true
}

loopback() {
    local count=$1 index list='' code=0 logs=$MODEL_DIR-logs
    for ((index = 0; index < count; index++)); do list+=${list:+,}localhost:$((PORT + index)); done
    run mkdir -p "$logs"
    pids=()
    trap stop_workers EXIT
    for ((index = 0; index < count; index++)); do
        local command=(env TF_CONFIG="$(tf_config "$list" "$index")" maskconver
            "${TRAIN_ARGUMENTS[@]}")
        printf '$ %s >%s &\n' "$(quoted "${command[@]}")" "$logs/worker-$index.log"
        ((DRY_RUN)) && continue
        "${command[@]}" >"$logs/worker-$index.log" 2>&1 &
        pids+=($!)
    done
    ((DRY_RUN)) && return
    for ((index = 0; index < count; index++)); do
        wait -n || code=$?
        ((code == 0)) || break
    done
    stop_workers
    ((code == 0)) || { tail -n 3 "$logs"/worker-*.log >&2; exit "$code"; }
}

parse "$@"
((${#ARGS[@]} == 2)) || die "expected HOSTS INDEX, or loopback COUNT, found" \
    "'${ARGS[*]}'; see ${0##*/} --help"
PORT=${PORT:-12345}
train_arguments multi_worker
need_maskconver
if [[ ${ARGS[0]} == loopback ]]; then
    COUNT=${ARGS[1]}
    is_number "$COUNT" 1 ||
        die "COUNT=$COUNT: expected a whole number from 1, the number of workers; see ${0##*/} --help"
    need_number PORT
    loopback "$COUNT"
else
    check_hosts "${ARGS[@]}"
    run env TF_CONFIG="$(tf_config "${ARGS[@]}")" maskconver "${TRAIN_ARGUMENTS[@]}"
fi
