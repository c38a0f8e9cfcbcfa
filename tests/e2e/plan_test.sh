#!/usr/bin/env bash
# hone plan against runs: a run takes the memory of its plan beyond what a run of nearly nothing takes, on one rank and on
# two, and saves checkpoints of the planned size. docs/scaling.md says what plans say.
source "$(dirname "$0")/lib.sh"
root=$(dirname "$(dirname "$GOLDEN")")

# model NAME HIDDEN INNER LAYERS HEADS
model() {
  mkdir "$1"
  cp "$CHAT"/tokenizer.json "$CHAT"/tokenizer_config.json "$1"/
  sed "s/\"hidden_size\": 32/\"hidden_size\": $2/; s/\"intermediate_size\": 64/\"intermediate_size\": $3/
    s/\"num_hidden_layers\": 2/\"num_hidden_layers\": $4/; s/\"num_attention_heads\": 2/\"num_attention_heads\": $5/
    s/\"head_dim\": 16/\"head_dim\": 32/" "$CHAT"/config.json > "$1"/config.json
}
model small 64 64 1 2
model large 256 704 8 8
awk 'BEGIN { for (d = 1; d <= 32; ++d) { text = ""
  for (i = 1; i <= 60; ++i) text = text i " and " i + d " are " 2 * i + d ". "
  printf "{\"text\":\"%s\"}\n", text } }' > texts.jsonl

# peak RANKS ARGS...: the most memory that a rank of the run held, in KiB, into the file peak.
peak() {
  local ranks=$1 launch=("$HONE") most=0 pid rank now
  shift
  [ "$ranks" -gt 1 ] && launch=(mpirun --oversubscribe -n "$ranks" "$HONE")
  "${launch[@]}" train "$@" > out 2> err &
  pid=$!
  while kill -0 $pid 2> /dev/null; do
    for rank in $([ "$ranks" -gt 1 ] && children $pid 2> /dev/null || echo $pid); do
      now=$(awk '/^VmHWM/ { print $2 }' "/proc/$rank/status" 2> /dev/null)
      [ "${now:-0}" -gt $most ] && most=$now
    done
    sleep 0.01
  done
  wait $pid
  expect_code 0 $? "train $*"
  echo $most > peak
}

# planned KEY RANKS ARGS...: the number at KEY of the plan.
planned() {
  local key=$1 ranks=$2
  shift 2
  run 0 plan --ranks "$ranks" "$@"
  value "$key" out | head -n 1
}

common=(--model.init random --model.dtype fp32 --model.device cpu --data.max_length 128 --train.micro_tokens 2048)
for kind in "1 none" "1 block" "2 none"; do
  read -r ranks recompute <<< "$kind"
  settings=("${common[@]}" --train.batch_size $((16 * ranks)) --train.recompute "$recompute")
  for size in small large; do
    rm -rf r
    peak "$ranks" "${settings[@]}" --model.path $size --data.train texts.jsonl --train.steps 1 --run.dir r
    cp peak $size.peak
    planned total "$ranks" "${settings[@]}" --model.path $size > $size.planned
  done
  awk -v small="$(cat small.peak)" -v large="$(cat large.peak)" -v plan="$(($(cat large.planned) - $(cat small.planned)))" \
    -v what="ranks $ranks, recompute $recompute" 'BEGIN {
      taken = 1024 * (large - small)
      printf "%s: %.1f MiB taken, %.1f planned, ratio %.3f\n", what, taken / 2^20, plan / 2^20, plan / taken
      exit !(plan < 1.05 * taken && plan > 0.95 * taken) }' || fail "memory with $kind"
done

# The page's tables are what plans say now.
HONE=$HONE RANKS=64 "$root/scripts/scaling_tables.sh" > tables
[ "$(grep -c '^| `' tables)" -eq 12 ] || fail "lines of the tables: $(grep -c '^| `' tables)"
while IFS= read -r line; do
  grep -qxF -e "$line" "$root/docs/scaling.md" || fail "docs/scaling.md (scripts/scaling_tables.sh --write): $line"
done < tables
finish
