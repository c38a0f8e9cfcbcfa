#!/usr/bin/env bash
# What saving checkpoints costs the steps: trains a model with a checkpoint after every second step and prints, a JSON line
# a case, the seconds a save held the training up (copying, making the finished one final) against a step's.
#   scripts/save_stall.sh MODEL ROWS.jsonl [STEPS]
set -euo pipefail
cd "$(dirname "$0")/.."
model=$1 rows=$2 steps=${3:-12}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

stall() { # NAME ARGS...
  local name=$1
  shift
  build/launcher/hone train --model.path "$model" --model.dtype fp32 --data.train "$rows" --train.batch_size 8 \
    --train.steps "$steps" --train.save_every 2 --train.keep 1 --run.dir "$work/$name" "$@" > /dev/null 2> "$work/err" ||
    { cat "$work/err"; exit 1; }
  local seconds saving
  seconds=$(grep '"kind":"train"' "$work/$name/metrics.jsonl" | grep -o '"seconds":[0-9.e+-]*' | cut -d: -f2 | sort -g |
    awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }')
  saving=$(tr -d ' \n' < "$work/$name/timing.json" | grep -o '"name":"checkpoint","min":[0-9.e+-]*,"avg":[0-9.e+-]*' |
    sed 's/.*"avg"://')
  awk -v name="$name" -v step="$seconds" -v all="$saving" -v n=$((steps / 2)) 'BEGIN {
    printf "{\"bench\":\"save_stall\",\"case\":\"%s\",\"step_s\":%.3f,\"stall_s\":%.4f,\"share_of_a_step\":%.4f}\n",
           name, step, all / n, all / n / step }'
}

stall lora --adapter.type lora --adapter.rank 16
stall lora_waiting --adapter.type lora --adapter.rank 16 --train.async_save false
stall full
