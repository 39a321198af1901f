#!/usr/bin/env bash
# Makes a Cloud TPU slice, trains on it, and takes it down.
#
#   launch/tpu_vm/slice.sh [--dry-run] [--env FILE] COMMAND NAME [-- ARGUMENTS OF maskconver train]
#
#   create NAME   request the slice (queued resource NAME, node NAME) and wait until it is there
#   setup  NAME   install the package with tensorflow-tpu 2.20 and its libtpu on the host
#   train  NAME   start training there, in the background; goes on from MODEL_DIR
#   watch  NAME   the slice's state, then the log until training ends
#   stop   NAME   ask training to save and end; the slice stays, and costs (`keep` would start it
#                 again: end that before)
#   delete NAME   delete the slice; what is in the bucket stays
#   keep   NAME   all of it, for spot: create, set up, train, and when the slice is taken back, make
#                 it anew and go on from the checkpoint in MODEL_DIR, until training is done; then
#                 delete the slice. Run it where it stays up (tmux on a small machine); killed and
#                 started again, it finds the slice and goes on. End it before you delete the slice
#                 yourself: it would make it anew.
#
# A slice costs from the moment it is there until `delete`. Settings (environment, or
# launch/tpu_vm/env; env.example explains them): PROJECT, ZONE, ACCELERATOR_TYPE, SPOT, GIN_FILE,
# MODEL_DIR, TRAIN_DATA, EVAL_DATA and more.
#
#   cp launch/tpu_vm/env.example launch/tpu_vm/env    # and fill it in
#   make package
#   launch/tpu_vm/slice.sh --dry-run keep mask-1      # shows each command, runs none
#   launch/tpu_vm/slice.sh keep mask-1
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

REPOSITORY=$(cd "$here/../.." && pwd)
REMOTE=maskconver # the folder in the host's home
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

# runtime: the TPU VM's software for an accelerator, from Google's table of TPU software versions.
runtime() {
    need_choice SPOT
    need ACCELERATOR_TYPE "the kind and size of slice, such as v5litepod-8"
    case $ACCELERATOR_TYPE in
        v2-8 | v3-8 | v4-8) RUNTIME_VERSION=${RUNTIME_VERSION:-tpu-ubuntu2204-base} ;;
        v5litepod-[148]) RUNTIME_VERSION=${RUNTIME_VERSION:-v2-alpha-tpuv5-lite} ;;
        v5p-8) RUNTIME_VERSION=${RUNTIME_VERSION:-v2-alpha-tpuv5} ;;
        v6e-[148]) RUNTIME_VERSION=${RUNTIME_VERSION:-v2-alpha-tpuv6e} ;;
        *)
            die "ACCELERATOR_TYPE=$ACCELERATOR_TYPE: expected a slice of one host: v2-8, v3-8, v4-8," \
                "v5p-8, v5litepod-1, -4, -8, v6e-1, -4, -8. Slices of several hosts need a" \
                "TensorFlow server on each host, which these runtimes do not have"
            ;;
    esac
}

wheel() {
    local found=("$REPOSITORY"/dist/maskconver_tf-*.whl)
    WHEEL=${WHEEL:-${found[-1]}}
    ((DRY_RUN)) || [[ -f $WHEEL ]] || die "WHEEL=$WHEEL: no such file; make it with 'make package'"
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

# state: prints the queued resource's, or GONE; fails with gcloud's words if it cannot be asked.
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

# patiently COMMAND...: its answer in ANSWER; tries again on failure, PATIENCE times.
patiently() {
    local failures=0
    until ANSWER=$("$@"); do
        failures=$((failures + 1))
        ((failures < PATIENCE)) ||
            die "'$(quoted "$@")' failed $failures times in a row. $NAME may be there and cost:" \
                "look with 'gcloud compute tpus queued-resources list ${PLACE[*]}', delete it with" \
                "'$0 delete $NAME'"
        sleep "$POLL_SECONDS"
    done
}

# wait_until STATE: while the slice is on the way there; fails where it can no longer come.
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
        die "$NAME: the request ended as $ANSWER. Why: gcloud compute tpus queued-resources" \
            "describe $NAME ${PLACE[*]}. Then '$0 delete $NAME'; try another zone or size"
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

# ---- keep ----------------------------------------------------------------------------------------
# obtain: a slice that is ACTIVE, made anew as often as it takes.
obtain() {
    local refused=0
    while true; do
        patiently state
        case $ANSWER in
            ACTIVE)
                say "$NAME: ACTIVE"
                return
                ;;
            GONE)
                ((made <= MAX_RECREATIONS)) ||
                    die "$NAME was made $made times; MAX_RECREATIONS allows no more. What is saved" \
                        "is in $MODEL_DIR; run it again to go on"
                if request; then
                    made=$((made + 1))
                elif refused=$((refused + 1)) && ((refused < PATIENCE)); then
                    say "$NAME: the request was refused; again in $POLL_SECONDS s"
                else
                    die "the request for $NAME was refused $refused times in a row (why: above)." \
                        "Nothing was made. Check quota, ZONE and ACCELERATOR_TYPE"
                fi
                ;;
            FAILED | SUSPENDED)
                say "$NAME: $ANSWER; deleting what is left of it"
                delete || say "$NAME: not deleted; another look in $POLL_SECONDS s"
                ;;
            *) wait_until ACTIVE || true ;;
        esac
        [[ $ANSWER == ACTIVE ]] || sleep "$POLL_SECONDS"
    done
}

# attend: starts training where it does not run, and looks on until it ends (0) or the slice is lost.
attend() {
    local code silent=0
    while true; do
        patiently state
        [[ $ANSWER == ACTIVE ]] || { say "$NAME: lost ($ANSWER)"; return 1; }
        # A host that does not answer is most often one that is being taken back: the next look tells.
        ANSWER=$(status) || { silent=$((silent + 1)); ANSWER=silent; }
        case $(tail -n 1 <<<"$ANSWER") in
            running) silent=0 ;;
            new) silent=0; train || true ;;
            gone)
                say "$NAME: the host was restarted; starting training again"
                silent=0
                train || true
                ;;
            "exit 0") return 0 ;;
            "exit "*)
                code=${ANSWER##* }
                [[ " ${RESUME_CODES:-75 143} " == *" $code "* ]] ||
                    die "maskconver train ended with $code. The slice stays, and costs: read the log" \
                        "with '$0 watch $NAME', then '$0 delete $NAME', or mend it and run" \
                        "'$0 train $NAME' and '$0 keep $NAME'"
                say "$NAME: training saved and ended ($code); starting it again"
                silent=0
                train || true
                ;;
            silent)
                ((silent < PATIENCE)) ||
                    die "$NAME is ACTIVE but ssh failed $silent times in a row. It costs: try" \
                        "'gcloud compute tpus tpu-vm ssh $NAME ${PLACE[*]}', or '$0 delete $NAME'"
                ;;
            *) die "host.sh status on $NAME: expected new, running, gone or exit CODE, found '$ANSWER'" ;;
        esac
        sleep "$POLL_SECONDS"
    done
}

# prepare: sets the slice up unless an earlier `keep` did. A host that just came up may refuse ssh
# for a while, so that is tried some times; fails (1) when the slice is lost meanwhile.
prepare() {
    local try
    for try in 1 2 3 4 5; do
        ANSWER=$(status 2>/dev/null) || ANSWER=
        [[ ! $ANSWER =~ running|exit|gone ]] || return 0
        ! setup || return 0
        patiently state
        [[ $ANSWER == ACTIVE ]] || return 1
        say "$NAME: setting up failed ($try of 5)"
        sleep "$POLL_SECONDS"
    done
    die "setting $NAME up failed (above). The slice stays, and costs: mend it and run" \
        "'$0 keep $NAME' again, or '$0 delete $NAME'"
}

keep() {
    if ((DRY_RUN)); then
        request
        setup
        train
        echo "# every $POLL_SECONDS s: the slice's state, and whether training runs. When it is lost:"
        delete
        echo "# and from the top, at most $MAX_RECREATIONS times. When training is done:"
        delete
        return
    fi
    made=0
    trap 'die "interrupted. $NAME may be there and cost: go on with $0 keep $NAME, or $0 delete $NAME"' \
        INT TERM
    until obtain && prepare && attend; do :; done
    say "$NAME: training is done; deleting the slice"
    delete || die "training is done, but $NAME was not deleted (why: above) and costs: $0 delete $NAME"
}

# ---- Which one -----------------------------------------------------------------------------------
parse "$@"
((${#ARGS[@]} == 2)) || die "expected COMMAND NAME, found '${ARGS[*]}'; see ${0##*/} --help"
command=${ARGS[0]} NAME=${ARGS[1]}
need_name "$NAME"
place
POLL_SECONDS=${POLL_SECONDS:-60} MAX_RECREATIONS=${MAX_RECREATIONS:-100}
need_number POLL_SECONDS 0
need_number MAX_RECREATIONS 0
need_tool gcloud "install the Google Cloud CLI: https://cloud.google.com/sdk/docs/install"
case $command in
    create) runtime ;;
    setup) wheel ;;
    train | keep)
        need_buckets
        train_arguments tpu
        if [[ $command == keep ]]; then runtime && wheel; fi
        ;;
    watch | stop | delete) ;;
    *) die "expected create, setup, train, watch, stop, delete or keep, found '$command'; see --help" ;;
esac
"$command"
