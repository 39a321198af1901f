#!/usr/bin/env bash
# Requests a Cloud TPU slice, trains on it and deletes it.
#
#   launch/tpu_vm/slice.sh [--dry-run] [--env FILE] COMMAND NAME [-- ARGUMENTS OF maskconver train]
#
#   create NAME   request the slice (queued resource NAME, node NAME) and wait until it is active
#   setup  NAME   install the package, tensorflow-tpu 2.20 and its libtpu on the host
#   train  NAME   start training in the background; it continues from the checkpoint in MODEL_DIR
#   watch  NAME   print the slice's state, then follow the log until training ends
#   stop   NAME   tell training to save and stop; the slice stays and still costs. Stop a running
#                 `keep` first, or it starts training again
#   delete NAME   delete the slice; the bucket stays. Stop a running `keep` first, or it requests the
#                 slice again
#   keep   NAME   do all of this unattended: create, set up and train. When Google takes the spot
#                 slice back, request it again and continue from the checkpoint in MODEL_DIR. When
#                 training is done, delete the slice. Run it on a machine that stays on (in tmux, say).
#                 If it is killed, run it again: it finds the slice and continues
#
# A slice costs from the moment it is active until `delete`. Settings, from the shell or
# launch/tpu_vm/env (env.example explains them): PROJECT, ZONE, ACCELERATOR_TYPE, SPOT, GIN_FILE,
# MODEL_DIR, TRAIN_DATA, EVAL_DATA and more.
#
#   cp launch/tpu_vm/env.example launch/tpu_vm/env    # then fill it in
#   make package
#   launch/tpu_vm/slice.sh --dry-run keep mask-1      # prints each command, runs none
#   launch/tpu_vm/slice.sh keep mask-1
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"
# shellcheck source=launch/tpu_vm/keep.sh
source "$here/keep.sh"

REPOSITORY=$(cd "$here/../.." && pwd)
REMOTE=maskconver # folder in the home folder of the host
PATIENCE=10       # failed calls in a row before `keep` gives up

# ---- Settings ------------------------------------------------------------------------------------
place() {
    need PROJECT "the Google Cloud project (gcloud projects list)"
    need ZONE "the zone, such as us-west4-a (gcloud compute tpus accelerator-types list shows where)"
    PLACE=(--project="$PROJECT" --zone="$ZONE")
    VIA=()
    need_choice INTERNAL_IPS
    [[ ${INTERNAL_IPS:-0} != 1 ]] || VIA=(--internal-ip)
}

# runtime: sets RUNTIME_VERSION, the TPU VM's software, from Google's table of TPU software versions.
runtime() {
    need_choice SPOT
    need ACCELERATOR_TYPE "the kind and size of slice, such as v5litepod-8"
    case $ACCELERATOR_TYPE in
        v2-8 | v3-8 | v4-8) RUNTIME_VERSION=${RUNTIME_VERSION:-tpu-ubuntu2204-base} ;;
        v5litepod-[148]) RUNTIME_VERSION=${RUNTIME_VERSION:-v2-alpha-tpuv5-lite} ;;
        v5p-8) RUNTIME_VERSION=${RUNTIME_VERSION:-v2-alpha-tpuv5} ;;
        v6e-[148]) RUNTIME_VERSION=${RUNTIME_VERSION:-v2-alpha-tpuv6e} ;;
        *)
            refuse ACCELERATOR_TYPE "expected a slice of one host: v2-8, v3-8, v4-8, v5p-8," \
                "v5litepod-1, -4, -8, v6e-1, -4, -8 (a slice of several hosts needs a TensorFlow" \
                "server on each host, and these runtimes have none)"
            ;;
    esac
}

wheel() {
    local found=("$REPOSITORY"/dist/maskconver_tf-*.whl)
    WHEEL=${WHEEL:-${found[-1]}}
    ((DRY_RUN)) || [[ -f $WHEEL ]] || die "WHEEL=$WHEEL: no such file; build it with 'make package'"
}

# ---- Calls ---------------------------------------------------------------------------------------
queue() {
    local verb=$1
    shift
    run gcloud compute tpus queued-resources "$verb" "$NAME" "${PLACE[@]}" "$@"
}

# on_host COMMAND: runs it on the host.
on_host() {
    run gcloud compute tpus tpu-vm ssh "$NAME" "${PLACE[@]}" "${VIA[@]}" --command="$1"
}

# state: prints the state of the queued resource, or GONE if there is none. If gcloud gives no answer,
# it prints gcloud's error and fails.
state() {
    local answer
    if answer=$(gcloud compute tpus queued-resources describe "$NAME" "${PLACE[@]}" \
        --format='value(state.state)' 2>&1); then
        tail -n 1 <<<"$answer"
    elif grep -qiE 'NOT_FOUND|not found' <<<"$answer"; then
        echo GONE
    else
        printf '%s\n' "$answer" >&2
        return 1
    fi
}

# patiently COMMAND...: sets ANSWER to what the command prints. It tries a failing command PATIENCE
# times.
patiently() {
    local failures=0
    until ANSWER=$("$@"); do
        failures=$((failures + 1))
        ((failures < PATIENCE)) ||
            die "'$(quoted "$@")' failed $failures times in a row. $NAME may exist and cost:" \
                "check with 'gcloud compute tpus queued-resources list ${PLACE[*]}' and delete it" \
                "with '$0 delete $NAME'"
        sleep "$POLL_SECONDS"
    done
}

# wait_until STATE: waits until the slice has this state. It fails once the slice has failed or is lost.
wait_until() {
    local last=
    while true; do
        patiently state
        [[ $ANSWER == "$last" ]] || say "$NAME: $ANSWER"
        last=$ANSWER
        case $ANSWER in
            "$1") return 0 ;;
            FAILED | SUSPENDED | GONE) return 1 ;;
        esac
        sleep "$POLL_SECONDS"
    done
}

# ---- Commands ------------------------------------------------------------------------------------
request() {
    local flags=(--node-id="$NAME" --accelerator-type="$ACCELERATOR_TYPE"
        --runtime-version="$RUNTIME_VERSION")
    [[ ${SPOT:-0} != 1 ]] || flags+=(--spot)
    [[ -z ${SERVICE_ACCOUNT:-} ]] || flags+=(--service-account="$SERVICE_ACCOUNT")
    [[ ${INTERNAL_IPS:-0} != 1 ]] || flags+=(--internal-ips)
    [[ -z ${VALID_UNTIL:-} ]] || flags+=(--valid-until-duration="$VALID_UNTIL")
    queue create "${flags[@]}"
}

create() {
    request
    ((DRY_RUN)) || wait_until ACTIVE ||
        die "$NAME: the request ended as $ANSWER. 'gcloud compute tpus queued-resources describe" \
            "$NAME ${PLACE[*]}' tells why. Run '$0 delete $NAME', then try another zone or size"
}

setup() {
    local files=("$WHEEL" "$REPOSITORY/constraints.txt" "$here/constraints-tpu.txt"
        "$here/host.sh" "$here/tensorflow_stub")
    on_host "mkdir -p $REMOTE && rm -f $REMOTE/*.whl" &&
        run gcloud compute tpus tpu-vm scp --recurse "${files[@]}" "$NAME:$REMOTE/" \
            "${PLACE[@]}" "${VIA[@]}" &&
        on_host "bash $REMOTE/host.sh install"
}

train() {
    on_host "bash $REMOTE/host.sh start $(quoted "${TRAIN_ARGUMENTS[@]}")"
}

status() {
    gcloud compute tpus tpu-vm ssh "$NAME" "${PLACE[@]}" "${VIA[@]}" \
        --command="bash $REMOTE/host.sh status" </dev/null
}

watch() {
    queue describe --format='value(state.state)'
    on_host "bash $REMOTE/host.sh log; bash $REMOTE/host.sh status"
}

stop() {
    on_host "bash $REMOTE/host.sh stop"
}

delete() {
    queue delete --force --quiet
}

# ---- The command to run ---------------------------------------------------------------------------
parse_command_and_name "$@"
place
POLL_SECONDS=${POLL_SECONDS:-60} MAX_RECREATIONS=${MAX_RECREATIONS:-100}
need_number POLL_SECONDS 0
need_number MAX_RECREATIONS 0
need_gcloud
case $command in
    create) runtime ;;
    setup) wheel ;;
    train | keep)
        need_buckets
        train_arguments tpu
        if [[ $command == keep ]]; then runtime && wheel; fi
        ;;
    watch | stop | delete) ;;
    *) die "expected create, setup, train, watch, stop, delete or keep, found '$command'; see ${0##*/} --help" ;;
esac
"$command"
