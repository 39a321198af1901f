#!/usr/bin/env bash
# Trains on CamVid and prints the PQ of its validation and test parts (docs/results.md).
#
#   launch/local/camvid.sh [--dry-run] [--env FILE] DATA_DIR [START] [-- MORE ARGUMENTS OF maskconver train]
#
# DATA_DIR holds images/SPLIT, panoptic/SPLIT and panoptic_SPLIT.json for train, val and test. START
# is `scratch` (default: random weights) or `pretrained` (ImageNet weights). The script writes
# everything into runs/camvid.
#
#   launch/local/camvid.sh data/camvid_panoptic pretrained
#
# Run the same command again to continue after a stop.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

parse "$@"
((${#ARGS[@]} == 1 || ${#ARGS[@]} == 2)) || die "expected DATA_DIR [START], found:" \
    "${ARGS[*]-}; see ${0##*/} --help"
start=${ARGS[1]:-scratch}
[[ $start == scratch || $start == pretrained ]] ||
    die "START: expected scratch or pretrained, found '$start'; see ${0##*/} --help"
[[ -d ${ARGS[0]} ]] || die "DATA_DIR: found no folder ${ARGS[0]}; give the folder of the CamVid" \
    "pictures, see ${0##*/} --help"
pictures=$(cd "${ARGS[0]}" && pwd)
need_maskconver
cd "$here/../.."
out=runs/camvid

build_parts "$pictures" "$out/data" train val test
run maskconver train --gin_file "experiments/camvid_$start.gin" --model_dir "$out/$start" "${EXTRA[@]}"
for split in val test; do
    run maskconver evaluate --model "$out/$start" --data "$out/data/$split" --out "$out/$start/$split"
done
