#!/usr/bin/env bash
# Serves an export with TensorFlow Serving: on this machine, on Kubernetes or under KServe.
#
#   launch/serving/server.sh [--dry-run] [--env FILE] COMMAND NAME
#
#   compose     NAME   serve the folder EXPORT here with Docker Compose
#   down        NAME   stop that server
#   kubernetes  NAME   a Deployment with probes, a Service, an autoscaler and a disruption budget
#   kserve      NAME   a KServe InferenceService with a runtime of its own
#   watch       NAME   list what has the label maskconver-server=NAME, then follow the servers' logs
#   delete      NAME   delete what has this label; the export stays
#
# NAME is also the model's name in addresses: http://localhost:8501/v1/models/NAME:predict. A server
# counts as ready when it has loaded and warmed up the model, not when it answers. A new version in the
# folder is served without a restart (under KServe after one).
#
# Settings, from the shell or launch/serving/env: IMAGE, GPU, EXPORT, MODEL_PATH, BATCH_SIZES, VERSIONS,
# LABELS, KUBE_CONTEXT and more. env.example explains them, and has the values of those that are not set.
#
#   maskconver export --model runs/demo/model --out exported --batch_sizes 1,8
#   EXPORT=exported launch/serving/server.sh --dry-run compose demo   # prints all files, starts nothing
#   EXPORT=exported launch/serving/server.sh compose demo
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

FILES=(models.config batching_parameters.txt monitoring.config probe.sh)
DELETED=services,deployments,horizontalpodautoscalers,poddisruptionbudgets,configmaps
KINDS_OF_KSERVE=inferenceservices,servingruntimes

kube() {
    run kubectl --context="$KUBE_CONTEXT" --namespace="$NAMESPACE" "$@"
}

# ---- Checks of settings --------------------------------------------------------------------------
check_image() {
    need_choice GPU
    need IMAGE "the image of TensorFlow Serving, such as tensorflow/serving:2.20.0"
    [[ ! $IMAGE =~ :([0-9]+)\.([0-9]+)[^/]*$ ]] ||
        ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] >= 2020)) ||
        refuse IMAGE "expected 2.20 or later, because older servers cannot load an export"
    [[ ${GPU:-0} == 0 || $IMAGE != tensorflow/serving:* || $IMAGE == *-gpu ]] ||
        refuse IMAGE "expected an image for GPUs with GPU=1, such as tensorflow/serving:2.20.0-gpu"
}

check_numbers() {
    local name
    for name in TIMEOUT_SECONDS START_SECONDS CPUS GRPC_PORT REST_PORT MIN_REPLICAS MAX_REPLICAS \
        CPU_TARGET; do
        need_number "$name"
    done
    ((MAX_REPLICAS >= MIN_REPLICAS)) ||
        refuse MAX_REPLICAS "expected at least MIN_REPLICAS, which is $MIN_REPLICAS"
    [[ $MEMORY =~ ^[1-9][0-9]*(Mi|Gi)$ ]] ||
        refuse MEMORY "expected a whole number with Mi or Gi, such as 8Gi"
}

# need_sizes SIZES: stops unless the sizes are whole numbers in increasing order.
need_sizes() {
    local size last=0
    for size in ${1//,/ }; do
        is_number "$size" $((last + 1)) ||
            refuse BATCH_SIZES "expected increasing whole numbers, such as 1,8"
        last=$size
    done
    [[ $1 =~ ^[0-9]+(,[0-9]+)*$ ]] ||
        refuse BATCH_SIZES "expected numbers and commas, such as 1,8"
}

# newest_version: prints the newest numbered folder of EXPORT.
newest_version() {
    local path newest=-1
    for path in "$EXPORT"/*/; do
        path=${path%/}
        [[ ! ${path##*/} =~ ^[0-9]{1,18}$ ]] || ((10#${path##*/} <= newest)) ||
            newest=$((10#${path##*/}))
    done
    ((newest >= 0)) ||
        refuse EXPORT "expected a folder with numbered versions, as 'maskconver export' writes"
    printf '%s/%s' "$EXPORT" "$newest"
}

# find_batch_sizes: sets BATCH_SIZES, and stops if the export was warmed up for others.
find_batch_sizes() {
    local version file line warm=
    if [[ -n ${EXPORT:-} ]]; then
        version=$(newest_version)
        file=$version/assets.extra/batching_parameters.txt
        if [[ -f $file ]]; then
            while IFS= read -r line; do
                [[ ! $line =~ ^allowed_batch_sizes:\ *([0-9]+) ]] ||
                    warm+=${warm:+,}${BASH_REMATCH[1]}
            done <"$file"
        fi
    fi
    BATCH_SIZES=${BATCH_SIZES:-${warm:-1}}
    need_sizes "$BATCH_SIZES"
    [[ -z $warm || $warm == "$BATCH_SIZES" ]] ||
        refuse BATCH_SIZES "$version was warmed up for $warm. Leave BATCH_SIZES out, or run" \
            "'maskconver export --batch_sizes $BATCH_SIZES'"
}

# ---- The files that the server reads -------------------------------------------------------------
# version_policy: prints the policy for VERSIONS and the labels, as lines of models.config.
version_policy() {
    local item names
    case $VERSIONS in
        latest) item="latest { num_versions: 1 }" ;;
        all) item="all {}" ;;
        latest:*)
            is_number "${VERSIONS#latest:}" 1 || refuse VERSIONS "expected latest:N with N from 1"
            item="latest { num_versions: ${VERSIONS#latest:} }"
            ;;
        *)
            [[ $VERSIONS =~ ^[0-9]{1,18}(,[0-9]{1,18})*$ ]] ||
                refuse VERSIONS "expected latest, latest:N, all, or numbers such as 3,4"
            item="specific { versions: [${VERSIONS//,/, }] }"
            ;;
    esac
    printf '    model_version_policy { %s }' "$item"
    names=${LABELS:-}
    for item in ${names//,/ }; do
        [[ $item =~ ^([A-Za-z][A-Za-z0-9_-]*):([0-9]+)$ && ,$VERSIONS, == *,${BASH_REMATCH[2]},* ]] ||
            refuse LABELS "expected LABEL:VERSION with versions that VERSIONS lists, found" \
                "'$item' and VERSIONS=$VERSIONS"
        printf '\n    version_labels { key: "%s" value: %s }' "${BASH_REMATCH[@]:1}"
    done
}

# allowed_batch_sizes: prints the sizes as lines of batching_parameters.txt.
allowed_batch_sizes() {
    local size lines=
    for size in ${BATCH_SIZES//,/ }; do
        lines+="${lines:+$'\n'}allowed_batch_sizes: $size"
    done
    printf '%s' "$lines"
}

# content FILE: prints a file that the server reads.
content() {
    if [[ $1 == probe.sh ]]; then cat "$here/$1"; else render "$here/$1"; fi
}

# text WORDS: prints a string with quotes, which is valid in JSON and YAML.
text() {
    local list
    list=$(json_list "$1")
    list=${list//$'\n'/\\n}
    printf '%s' "${list:1:-1}"
}

# prepare BASE_PATH: sets what the templates use. BASE_PATH is the folder of versions as the server sees
# it.
# shellcheck disable=SC2034 # render reads these
prepare() {
    check_image
    check_numbers
    find_batch_sizes
    BASE_PATH=$1
    VERSION_POLICY=$(version_policy)
    LARGEST_BATCH=${BATCH_SIZES##*,}
    ALLOWED_BATCH_SIZES=$(allowed_batch_sizes)
    IMAGE_TEXT=$(text "$IMAGE")
    START_TRIES=$(((START_SECONDS + 4) / 5))
    DRAIN_SECONDS=$((TIMEOUT_SECONDS + 5))
    GRACE_SECONDS=$((TIMEOUT_SECONDS + 20))
    local arguments=(
        --port=8500
        --rest_api_port=8501
        --rest_api_timeout_in_ms="${TIMEOUT_SECONDS}000"
        --model_config_file=/config/models.config
        --model_config_file_poll_wait_seconds=60
        --file_system_poll_wait_seconds=10
        --allow_version_labels_for_unavailable_models=true
        --enable_batching=true
        --batching_parameters_file=/config/batching_parameters.txt
        --monitoring_config_file=/config/monitoring.config
        --tensorflow_intra_op_parallelism="$CPUS"
        --tensorflow_inter_op_parallelism="$CPUS"
    )
    ARGUMENTS=$(json_list "${arguments[@]}")
}

# prepare_texts: sets the files' contents, for a ConfigMap.
# shellcheck disable=SC2034 # render reads these
prepare_texts() {
    MODELS_TEXT=$(text "$(content models.config)"$'\n')
    BATCHING_TEXT=$(text "$(content batching_parameters.txt)"$'\n')
    MONITORING_TEXT=$(text "$(content monitoring.config)"$'\n')
    PROBE_TEXT=$(text "$(content probe.sh)"$'\n')
    CONFIG_SUM=$(cksum <<<"$MODELS_TEXT$BATCHING_TEXT$MONITORING_TEXT$PROBE_TEXT")
    CONFIG_SUM=${CONFIG_SUM%% *}
}

# ---- Commands ------------------------------------------------------------------------------------
# absolute PATH: prints the path from the root.
absolute() {
    if [[ $1 == /* ]]; then printf '%s' "$1"; else printf '%s' "$PWD/$1"; fi
}

# write FILE: writes a file of the server into CONFIG_DIR/NAME. A dry run prints it.
write() {
    local text
    text=$(if [[ $1 == compose.yaml ]]; then render "$here/$1"; else content "$1"; fi)
    if ((DRY_RUN)); then
        printf '# %s\n%s\n' "$CONFIG_DIR/$NAME/$1" "$text"
    else
        printf '%s\n' "$text" >"$CONFIG_DIR/$NAME/$1"
    fi
}

docker_compose() {
    need CONFIG_DIR "the folder for the files that the server reads"
    need_tool docker "install it: https://docs.docker.com/engine/install"
    run docker compose --project-name "$NAME" --file "$CONFIG_DIR/$NAME/compose.yaml" "$@"
}

# shellcheck disable=SC2034 # render reads these
compose() {
    local file
    need EXPORT "the folder that 'maskconver export' wrote"
    [[ -d $EXPORT ]] || refuse EXPORT "no such folder; run 'maskconver export --out $EXPORT' first"
    need CONFIG_DIR "the folder for the files that the server reads"
    need ADDRESS "the address on this machine, such as 127.0.0.1"
    prepare "/models/$NAME"
    # Compose takes $ for the start of a variable.
    EXPORT_TEXT=$(text "$(absolute "${EXPORT//\$/\$\$}")")
    CONFIG_TEXT=$(text "$(absolute "${CONFIG_DIR//\$/\$\$}/$NAME")")
    COMPOSE_MEMORY=${MEMORY%i}
    ((DRY_RUN)) || mkdir -p "$CONFIG_DIR/$NAME"
    for file in "${FILES[@]}" compose.yaml; do write "$file"; done
    docker_compose up --detach --wait
}

down() {
    docker_compose down
}

# apply TEMPLATE: fills in the template and sends it to the cluster.
apply() {
    local manifest
    prepare_texts
    manifest=$(render "$here/$1")
    if ((DRY_RUN)); then
        printf '%s\n' "$manifest"
        return
    fi
    kube apply --filename=- <<<"$manifest"
}

kubernetes() {
    VOLUME=0
    if [[ -n ${VOLUME_CLAIM:-} ]]; then
        [[ -z ${MODEL_PATH:-} ]] || refuse MODEL_PATH "VOLUME_CLAIM is set, too; give one of them"
        # shellcheck disable=SC2034 # render reads it
        VOLUME=1
        prepare "/models/$NAME"
    else
        need_bucket MODEL_PATH "the folder of versions, or set VOLUME_CLAIM"
        prepare "$MODEL_PATH"
    fi
    apply kubernetes.yaml
}

kserve() {
    need MODEL_PATH "the folder of versions, which KServe copies into the pod"
    [[ $MODEL_PATH =~ ^(gs|s3|https|pvc):// ]] ||
        refuse MODEL_PATH "expected gs://BUCKET/..., s3://..., https://... or pvc://CLAIM/..."
    # shellcheck disable=SC2034 # render reads it
    STORAGE_URI=$(text "$MODEL_PATH")
    prepare /mnt/models
    apply kserve.yaml
}

watch() {
    kube get pods,"$DELETED" --selector="maskconver-server=$NAME"
    kube logs --follow --prefix --max-log-requests=50 --selector="maskconver-server=$NAME"
}

delete() {
    kube delete "$DELETED" --selector="maskconver-server=$NAME"
    # A cluster without KServe does not know these kinds.
    kube delete "$KINDS_OF_KSERVE" --selector="maskconver-server=$NAME" ||
        echo "# The cluster has no KServe, or the command above failed: see its message" >&2
}

# load_defaults: gives settings without a value that of env.example.
load_defaults() {
    local name
    load_env "$here/env.example"
    for name in "${!LINES_OF[@]}"; do # A message must not send anybody to the example.
        [[ ${LINES_OF[$name]} != "$here/env.example":* ]] || unset "LINES_OF[$name]"
    done
}

parse_command_and_name "$@"
load_defaults
((${#EXTRA[@]} == 0)) || die "nothing is expected behind --, found '${EXTRA[*]}'; see ${0##*/} --help"
case $command in
    compose | down) ;;
    kubernetes | kserve | watch | delete)
        need KUBE_CONTEXT "the cluster (kubectl config get-contexts lists them)"
        NAMESPACE=${NAMESPACE:-default} SERVICE_ACCOUNT=${SERVICE_ACCOUNT:-default}
        need_tool kubectl "install it: https://kubernetes.io/docs/tasks/tools"
        ;;
    *)
        die "expected compose, down, kubernetes, kserve, watch or delete, found '$command'; see" \
            "${0##*/} --help"
        ;;
esac
"$command"
