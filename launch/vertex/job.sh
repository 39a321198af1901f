#!/usr/bin/env bash
# Trains in a custom job of Vertex AI. The machines exist only as long as the job.
#
#   launch/vertex/job.sh [--dry-run] [--env FILE] COMMAND NAME [-- ARGUMENTS OF maskconver train]
#
#   gpu     NAME   one machine with GPU_COUNT GPUs
#   workers NAME   WORKERS such machines that train together; Vertex AI sets TF_CONFIG on each
#   tpu     NAME   one TPU host
#   watch   NAME   print the state of the newest job of that name, then follow its log
#   cancel  NAME   cancel the waiting and running jobs of that name; the bucket stays
#
# A job costs from the start of its machines until it ends. It continues from the checkpoint in
# MODEL_DIR. After a failure, a cancelled job or a timeout, run the same command again.
#
# Settings, from the shell or launch/vertex/env (env.example explains them): PROJECT, REGION, IMAGE,
# SPOT, GIN_FILE, MODEL_DIR, TRAIN_DATA, EVAL_DATA and more.
#
#   cp launch/vertex/env.example launch/vertex/env    # then fill it in
#   launch/vertex/job.sh --dry-run gpu mask-1         # prints the job, creates none
#   launch/vertex/job.sh gpu mask-1
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

jobs() {
    local verb=$1
    shift
    run gcloud ai custom-jobs "$verb" "$@" "${PLACE[@]}"
}

# job_names FILTER [FLAG...]: prints the resource names of the jobs called NAME, newest first.
job_names() {
    local filter="displayName=$NAME${1:+ AND $1}"
    shift
    gcloud ai custom-jobs list "${PLACE[@]}" --filter="$filter" --sort-by=~createTime \
        --format='value(name)' "$@"
}

# submit STRATEGY TEMPLATE: creates a job from the template.
submit() {
    local spec flags=(--display-name="$NAME")
    need_buckets
    need_number DISK_GB
    train_arguments "$1"
    # shellcheck disable=SC2034 # render reads it
    ARGUMENTS=$(json_list "${TRAIN_ARGUMENTS[@]}")
    need IMAGE "the container image (launch/docker/image.sh builds it)"
    [[ -z ${SERVICE_ACCOUNT:-} ]] || flags+=(--service-account="$SERVICE_ACCOUNT")
    spec=$(render "$here/$2")
    if ((DRY_RUN)); then
        printf '%s\n' "$spec" | sed 's/^/# /'
        jobs create "${flags[@]}" --config=FILE
        return
    fi
    file=$(mktemp --suffix=.yaml)
    trap 'rm -f "$file"' EXIT
    printf '%s\n' "$spec" >"$file"
    jobs create "${flags[@]}" --config="$file"
}

gpu() {
    need_number GPU_COUNT
    if ((GPU_COUNT == 1)); then submit gpu gpu.yaml; else submit mirrored gpu.yaml; fi
}

workers() {
    need_number GPU_COUNT
    need_number WORKERS
    ((WORKERS > 1)) || refuse WORKERS "expected 2 or more; for one machine run '$0 gpu $NAME'"
    # shellcheck disable=SC2034 # render reads it
    OTHER_WORKERS=$((WORKERS - 1))
    submit multi_worker workers.yaml
}

tpu() {
    submit tpu tpu.yaml
}

watch() {
    if ((DRY_RUN)); then
        jobs stream-logs "JOB-OF-$NAME"
        return
    fi
    local job
    job=$(job_names '' --limit=1)
    [[ -n $job ]] || die "found no job named $NAME in the project $PROJECT, region $REGION; check NAME," \
        "PROJECT and REGION. 'gcloud ai custom-jobs list' shows all jobs"
    jobs describe "$job" --format='value(state)'
    jobs stream-logs "$job"
}

cancel() {
    if ((DRY_RUN)); then
        jobs cancel "JOB-OF-$NAME"
        return
    fi
    local job live
    live=$(job_names 'state:(JOB_STATE_QUEUED JOB_STATE_PENDING JOB_STATE_RUNNING)')
    [[ -n $live ]] || die "found no waiting or running job named $NAME in the project $PROJECT, region" \
        "$REGION, so there is nothing to cancel; check NAME, PROJECT and REGION"
    for job in $live; do jobs cancel "$job"; done
}

parse_command_and_name "$@"
need PROJECT "the Google Cloud project (gcloud projects list)"
need REGION "the region, such as us-central1"
PLACE=(--project="$PROJECT" --region="$REGION")
HOURS=${HOURS:-168}
need_number HOURS
# shellcheck disable=SC2034 # render reads it
TIMEOUT=$((HOURS * 3600))s
need_gcloud
case $command in
    gpu | workers | tpu | watch | cancel) "$command" ;;
    *) die "expected gpu, workers, tpu, watch or cancel, found '$command'; see ${0##*/} --help" ;;
esac
