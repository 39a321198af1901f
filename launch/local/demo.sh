#!/usr/bin/env bash
# From nothing to pictures with masks on one small machine: what `make demo` runs.
#
#   launch/local/demo.sh [--dry-run] [--env FILE]
#
# Makes 2600 generated scenes, trains on them, scores, exports and draws, all in runs/demo.
#
#   launch/local/demo.sh --dry-run    # shows each command, runs none
#
# Stopped and started again, it goes on where it was.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

parse "$@"
((${#ARGS[@]} == 0)) || die "expected no argument, found: ${ARGS[*]}"
((${#EXTRA[@]} == 0)) || die "takes no arguments of maskconver train, found: ${EXTRA[*]}"
need_tool maskconver "install the package (BUILD.md) and 'source .venv/bin/activate'"
cd "$here/../.."
experiment=experiments/demo.gin
out=runs/demo
scenes=$out/scenes

run maskconver data synth --num_train 2500 --out "$scenes"
for split in train val; do
    if [[ ! -f $out/data/$split/dataset.json ]]; then
        run maskconver data build --images "$scenes/images/$split" \
            --panoptic "$scenes/panoptic/$split" \
            --annotations "$scenes/panoptic_$split.json" --out "$out/data/$split"
    fi
done
run maskconver train --gin_file "$experiment" --model_dir "$out/model"
run maskconver evaluate --model "$out/model" --data "$out/data/val"
run maskconver export --model "$out/model" --out "$out/exported"
pictures=("$scenes"/images/val/*.png)
run maskconver predict --model "$out/model" "${pictures[@]:0:6}" --out "$out/pictures"
((!DRY_RUN)) || exit 0

echo
echo "Pictures with masks:  $out/pictures"
echo "Training curves:      tensorboard --logdir $out/model/summaries"
python - "$out/model/results.json" <<'PYTHON'
import json
import sys

with open(sys.argv[1]) as file:
    results = json.load(file)
scores = ", ".join(f"{group} {results[group]['pq']:.1f}" for group in ("all", "things", "stuff"))
print(f"PQ on held-out scenes: {scores}")
PYTHON
