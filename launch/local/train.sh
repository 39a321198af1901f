#!/usr/bin/env bash
# Trains on this machine: on its CPU, on one GPU or on several.
#
#   launch/local/train.sh [--dry-run] [--env FILE] [GPUS] [-- MORE ARGUMENTS OF maskconver train]
#
# GPUS is `all`, a number or `cpu`. `all` is the default and takes every GPU that nvidia-smi lists, or
# the CPU if there is none. Several GPUs share TrainingInput.batch_size equally.
#
# Settings, from the shell or launch/local/env (env.example explains them): GIN_FILE, MODEL_DIR,
# TRAIN_DATA, EVAL_DATA.
#
#   GIN_FILE=experiments/demo.gin MODEL_DIR=runs/demo/model launch/local/train.sh 2
#   launch/local/train.sh 1 -- --total_steps 100
#
# Run the same command again to continue after a stop.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

count_gpus() {
    if command -v nvidia-smi >/dev/null; then nvidia-smi -L | grep -c '^GPU ' || true; else echo 0; fi
}

parse "$@"
((${#ARGS[@]} <= 1)) || die "expected one argument, GPUS, found: ${ARGS[*]}; see ${0##*/} --help"
gpus=${ARGS[0]:-all}
[[ $gpus =~ ^(all|cpu|[1-9][0-9]*)$ ]] || die "GPUS: expected all, cpu or a number, found" \
    "'$gpus'; see ${0##*/} --help"
if [[ $gpus == cpu ]]; then
    gpus=0
elif [[ $gpus == all ]]; then
    gpus=$(count_gpus)
elif ((!DRY_RUN)) && (($(count_gpus) < gpus)); then
    die "GPUS=$gpus, but nvidia-smi lists $(count_gpus) GPU(s); give a smaller number, or cpu"
fi

case $gpus in
    0) strategy=cpu devices='' ;;
    1) strategy=gpu devices=0 ;;
    *) strategy=mirrored devices=$(seq -s, 0 $((gpus - 1))) ;;
esac
train_arguments "$strategy"
need_maskconver
# A list that is already set stays: a job queue may have assigned these GPUs to us.
run env CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES-$devices}" maskconver "${TRAIN_ARGUMENTS[@]}"
