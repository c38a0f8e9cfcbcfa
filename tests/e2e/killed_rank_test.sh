#!/usr/bin/env bash
# A rank killed at any moment costs only the steps since the last checkpoint: the same command again ends with the
# weights of a run that nothing happened to.
source "$(dirname "$0")/lib.sh"

job=(--config chat.cfg --config lora.cfg --train.steps 200 --train.save_every 20 --train.log_every 50)
run_ranks 2 0 train "${job[@]}" --run.dir straight

for rows in 1 33 90; do
  dir=killed-$rows
  mpirun --oversubscribe -n 2 "$HONE" train "${job[@]}" --run.dir "$dir" > out 2> err &
  wait_for_rows $rows "$dir/metrics.jsonl"
  kill -KILL "$(children $! | tail -n 1)"
  wait $!
  expect_code 137 $? "mpirun after a rank was killed"
  run_ranks 2 0 train "${job[@]}" --run.dir "$dir"
  [ $rows -gt 30 ] && says err "going on from"
  same_training straight/metrics.jsonl "$dir/metrics.jsonl"
  same straight/adapter/adapter_model.safetensors "$dir/adapter/adapter_model.safetensors"
  [ "$(find "$dir/checkpoints" -mindepth 1 -maxdepth 1 ! -name 'step-????????' | wc -l)" -eq 0 ] ||
    fail "$dir/checkpoints holds leftovers: $(ls "$dir/checkpoints")"
done

# The launcher itself killed: no rank stays behind, and the run goes on.
mpirun --oversubscribe -n 2 "$HONE" train "${job[@]}" --run.dir orphaned > out 2> err &
wait_for_rows 30 orphaned/metrics.jsonl
ranks=$(children $!)
kill -KILL $!
wait $! 2> /dev/null
for _ in $(seq 500); do
  # shellcheck disable=SC2086
  kill -0 $ranks 2> /dev/null || break
  sleep 0.02
done
# shellcheck disable=SC2086
kill -0 $ranks 2> /dev/null && fail "ranks outlive their launcher"
run_ranks 2 0 train "${job[@]}" --run.dir orphaned
same straight/adapter/adapter_model.safetensors orphaned/adapter/adapter_model.safetensors
finish
