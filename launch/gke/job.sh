#!/usr/bin/env bash
# Trains on a Kubernetes cluster. The selectors and taints are those of GKE.
#
#   launch/gke/job.sh [--dry-run] [--env FILE] COMMAND NAME [-- ARGUMENTS OF maskconver train]
#
#   gpu     NAME   one pod with GPU_COUNT GPUs
#   workers NAME   WORKERS such pods that train together (an indexed job)
#   tpu     NAME   one pod on a TPU slice of one host
#   data    NAME   a tf.data service with a dispatcher at grpc://NAME:5050 and DATA_WORKERS workers.
#                  Use it when the host of an accelerator cannot decode and augment fast enough. Give
#                  it a NAME of its own; trainers use it with DATA_SERVICE=grpc://NAME:5050
#   watch   NAME   list the resources of NAME, then follow its log until training ends
#   delete  NAME   delete everything labelled maskconver-run=NAME; the bucket stays
#
# Kubernetes replaces a pod that is taken away (spot, drained) or ends with 75 (start me again). The new
# pod continues from the checkpoint in MODEL_DIR. A pod that ends with 2 (the command or a setting is
# wrong) is not replaced. After other failures Kubernetes tries RETRIES times.
#
# Settings, from the shell or launch/gke/env (env.example explains them): KUBE_CONTEXT, NAMESPACE,
# IMAGE, SPOT, GIN_FILE, MODEL_DIR, TRAIN_DATA, EVAL_DATA and more.
#
#   cp launch/gke/env.example launch/gke/env    # then fill it in
#   launch/gke/job.sh --dry-run gpu mask-1      # prints the manifest, changes nothing
#   launch/gke/job.sh gpu mask-1
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

PORT=2222 # on which workers listen; any free port will do

kube() {
    run kubectl --context="$KUBE_CONTEXT" --namespace="$NAMESPACE" "$@"
}

# apply TEMPLATE: fills in the template and sends it to the cluster.
apply() {
    local manifest
    manifest=$(render "$here/$1")
    if ((DRY_RUN)); then
        printf '%s\n' "$manifest"
        return
    fi
    kube apply --filename=- <<<"$manifest"
}

# train STRATEGY TEMPLATE: starts a training job from the template.
train() {
    need_buckets
    train_arguments "$1"
    # shellcheck disable=SC2034 # render reads it
    ARGUMENTS=$(json_list "${TRAIN_ARGUMENTS[@]}")
    need IMAGE "the container image (launch/docker/image.sh builds it)"
    apply "$2"
}

gpu() {
    need_number GPU_COUNT
    if ((GPU_COUNT == 1)); then train gpu gpu.yaml; else train mirrored gpu.yaml; fi
}

workers() {
    local index
    need_number GPU_COUNT
    need_number WORKERS
    ((WORKERS > 1)) || refuse WORKERS "expected 2 or more; for one pod run '$0 gpu $NAME'"
    WORKER_LIST=
    for ((index = 0; index < WORKERS; index++)); do
        WORKER_LIST+=${WORKER_LIST:+,}$NAME-$index.$NAME:$PORT
    done
    train multi_worker workers.yaml
}

tpu() {
    need_number TPU_CHIPS
    train tpu tpu.yaml
}

data() {
    need_number DATA_WORKERS
    need IMAGE "the container image (launch/docker/image.sh builds it)"
    apply data_service.yaml
    echo "# Trainers in the namespace $NAMESPACE use it with DATA_SERVICE=grpc://$NAME:5050" >&2
}

watch() {
    kube get jobs,pods,services,deployments --selector="maskconver-run=$NAME"
    kube logs --follow --prefix --max-log-requests=50 --selector="maskconver-run=$NAME"
}

delete() {
    kube delete jobs,services,deployments --selector="maskconver-run=$NAME"
}

parse_command_and_name "$@"
need KUBE_CONTEXT "the cluster (kubectl config get-contexts lists them)"
NAMESPACE=${NAMESPACE:-default} SERVICE_ACCOUNT=${SERVICE_ACCOUNT:-default}
RETRIES=${RETRIES:-20}
need_number RETRIES 0
need_choice SPOT
# Seconds to save the last step. A spot pod gets no more than 25.
# shellcheck disable=SC2034 # render reads it
if [[ ${SPOT:-0} == 1 ]]; then GRACE_SECONDS=25; else GRACE_SECONDS=300; fi
need_tool kubectl "install it: https://kubernetes.io/docs/tasks/tools"
case $command in
    gpu | workers | tpu | data | watch | delete) "$command" ;;
    *) die "expected gpu, workers, tpu, data, watch or delete, found '$command'; see ${0##*/} --help" ;;
esac
