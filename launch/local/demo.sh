#!/usr/bin/env bash
# From nothing to pictures with masks on one small machine: what `make demo` runs.
# Stopped and started again, it goes on where it was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

experiment=experiments/demo.gin
out=runs/demo
scenes=$out/scenes

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

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

echo
echo "Pictures with masks:  $out/pictures"
echo "Training curves:      tensorboard --logdir $out/model"
python - "$out/model/results.json" <<'PYTHON'
import json
import sys

with open(sys.argv[1]) as file:
    results = json.load(file)
scores = ", ".join(f"{group} {results[group]['pq']:.1f}" for group in ("all", "things", "stuff"))
print(f"PQ on held-out scenes: {scores}")
PYTHON
