#!/usr/bin/env bash
# CamVid (docs/results.md) from pictures to PQ on its validation and test parts.
#   bash launch/local/camvid.sh DATA_DIR [scratch|pretrained]
# DATA_DIR has images/SPLIT, panoptic/SPLIT and panoptic_SPLIT.json for train, val and test.
# Stopped and started again, it goes on where it was.
set -euo pipefail

if [[ $# -lt 1 || ! ${2:-scratch} =~ ^(scratch|pretrained)$ ]]; then
    sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
pictures=$(realpath "$1")
start=${2:-scratch}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=runs/camvid

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

for split in train val test; do
    if [[ ! -f $out/data/$split/dataset.json ]]; then
        run maskconver data build --images "$pictures/images/$split" \
            --panoptic "$pictures/panoptic/$split" \
            --annotations "$pictures/panoptic_$split.json" --out "$out/data/$split"
    fi
done

run maskconver train --gin_file "experiments/camvid_$start.gin" --model_dir "$out/$start"
for split in val test; do
    run maskconver evaluate --model "$out/$start" --data "$out/data/$split" --out "$out/$start/$split"
done
