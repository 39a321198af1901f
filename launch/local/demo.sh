#!/usr/bin/env bash
# Shows all steps on one small machine, from data to pictures with masks. `make demo` runs it.
#
#   launch/local/demo.sh [--dry-run] [--env FILE]
#
# It generates 2600 scenes, trains on them, evaluates and exports the model, draws its predictions,
# and makes a report. It writes everything into runs/demo.
#
#   launch/local/demo.sh --dry-run    # prints each command, runs none
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
experiment=experiments/demo.gin
out=runs/demo
scenes=$out/scenes

run maskconver data synth --num_train 2500 --out "$scenes"
build_parts "$scenes" "$out/data" train val
run maskconver train --gin_file "$experiment" --model_dir "$out/model"
run maskconver evaluate --model "$out/model" --data "$out/data/val"
run maskconver export --model "$out/model" --out "$out/exported"
pictures=("$scenes"/images/val/*.png)
run maskconver predict --model "$out/model" "${pictures[@]:0:6}" --out "$out/pictures"
run maskconver report "$out/model" --out "$out/report"
((!DRY_RUN)) || exit 0

echo
echo "Pictures with masks:  $out/pictures"
echo "Report:               $out/report/index.html"
echo "Training curves:      tensorboard --logdir $out/model/summaries"
python - "$out/model/results.json" <<'PYTHON'
import json
import sys

with open(sys.argv[1]) as file:
    results = json.load(file)
scores = ", ".join(f"{group} {results[group]['pq']:.1f}" for group in ("all", "things", "stuff"))
print(f"PQ on held-out scenes: {scores}")
PYTHON
