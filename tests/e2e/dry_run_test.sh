#!/usr/bin/env bash
# hone train --dry-run: prints config, steps and memory as the run then has them, fails as the run would, and leaves
# nothing behind.
source "$(dirname "$0")/lib.sh"

export TMPDIR=$WORK/tmp
mkdir tmp
files() { find . -mindepth 1 ! -name out ! -name err | sort; }

grid=(--config chat.cfg --config lora.cfg --train.epochs 2 --run.dir r)
touch plan dry.error
before=$(files)
run 0 train "${grid[@]}" --dry-run
[ "$(files)" = "$before" ] || fail "left behind: $(files | tr '\n' ' ')"
cp out plan
says err 'rank = 4'
says plan '"rows":20,'
says plan '"steps_per_epoch":4,"steps":8,"steps_done":0'
says plan '"gradients":'

run 0 train "${grid[@]}" --dry-run false
[ "$(grep -c '"kind":"train"' r/metrics.jsonl)" -eq 8 ] || fail "the steps of the plan"
epoch=$(value tokens r/metrics.jsonl | head -n 4 | awk '{ sum += $1 } END { print sum }')
[ "$epoch" = "$(value tokens_per_epoch plan)" ] || fail "the tokens of the plan: $epoch"

# It says which checkpoint would be gone on from, and its errors are those of training.
before=$(files)
run 0 train "${grid[@]}" --dry-run true
says out '"steps_done":8'
for wrong in '--train.resume none' '--adapter.targets nothing' '--data.train missing.jsonl' '--train.micro_tokens 8' \
  '--model.path missing' '--optim.lr 0.5'; do
  timeout 60 "$HONE" train "${grid[@]}" $wrong --dry-run > out 2> err
  dry=$?
  grep '^error\[' err > dry.error
  [ "$dry" -gt 0 ] || fail "$wrong is accepted"
  [ "$(files)" = "$before" ] || fail "$wrong: left behind"
  run "$dry" train "${grid[@]}" $wrong
  grep '^error\[' err | cmp -s - dry.error || fail "$wrong: $(cat dry.error) and $(grep '^error' err)"
  before=$(files)
done
run_ranks 2 0 train "${grid[@]}" --run.dir two --dry-run
says out '"ranks":2'
[ "$(files)" = "$before" ] || fail "two ranks left something behind"
finish
