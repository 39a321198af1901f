#!/usr/bin/env bash
# Generates crowds of small things, trains on them, and scores the model at several input sizes.
#
#   launch/local/crowd.sh [--dry-run] [--env FILE]
#
# It writes everything into runs/crowd. The last table tells how a model that was trained at one
# input size does at others.
#
#   launch/local/crowd.sh --dry-run    # prints each command, runs none
#
# Run the same command again to continue after a stop.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

parse "$@"
need_no_arguments
need_maskconver
cd "$here/../.."
out=runs/crowd
pictures=$out/pictures

run maskconver data synth --kind crowd --num_train 600 --num_val 60 --out "$pictures"
build_parts "$pictures" "$out/data" train val
run maskconver train --gin_file experiments/crowd.gin --model_dir "$out/model"
for size in 128 192 256 384 512; do
    run maskconver evaluate --model "$out/model" --data "$out/data/val" \
        "--gin.INPUT_SIZE=($size, $size)" --out "$out/model/at_$size"
done
