#!/usr/bin/env bash
# k-fold cross-validation: every row is held out once; a stopped one goes on; ranks do not matter.
source "$(dirname "$0")/lib.sh"

job=(--config chat.cfg --config lora.cfg --train.folds 3 --train.steps 3)
run 0 train "${job[@]}" --run.dir cross
cp out cross.json
there cross/folds.json cross/report.html cross/fold-{1,2,3}/{adapter,metrics.jsonl,report.html,fold.json}
says cross/report.html Cross-validation
says cross/status.json '"done"'
one=$(wc -l < out)
[ "$one" -eq 1 ] || fail "$one lines of JSON"
rows=$(cat cross/fold-*/data.json | tr -d ' ' | value rows /dev/stdin | awk '{ s += $1 } END { print s }')
[ "$rows" -eq 40 ] || fail "the folds train on $rows rows, not on each of 20 twice"

# The mean is that of the folds.
value loss cross.json | awk 'NR == 1 { mean = $1 } NR > 2 { sum += $1; ++n }
  END { d = mean - sum / n; exit !(n == 3 && d < 1e-12 && d > -1e-12) }' || fail "the mean is not the folds': $(cat cross.json)"

# The same command again trains nothing and says the same.
cp cross/fold-2/metrics.jsonl before.jsonl
run 0 train "${job[@]}" --run.dir cross
same out cross.json
same before.jsonl cross/fold-2/metrics.jsonl

run_ranks 2 0 train "${job[@]}" --run.dir two
close perplexity 1e-4 out cross.json
run 0 report cross
run 2 train "${job[@]}" --data.eval rows.jsonl --run.dir refused
one_error err
run 2 train "${job[@]}" --train.folds 30 --run.dir refused
says err 'train.folds'
finish
