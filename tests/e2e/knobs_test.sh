#!/usr/bin/env bash
# Settings of the training loop: fp16, early stopping and the best model, batches by tokens, warm starts, time limits.
source "$(dirname "$0")/lib.sh"

adapter() { echo "$1/adapter/adapter_model.safetensors"; }
status() { tr -d ' ' < "$2/status.json" | value "$1" /dev/stdin; }  # KEY RUN
job=(--config chat.cfg --config lora.cfg --schedule.name constant)

# fp16 goes on bit for bit, the loss scale along with it.
half=("${job[@]}" --model.dtype fp16 --train.batch_size 1 --train.save_every 4)
run 0 train "${half[@]}" --train.steps 8 --run.dir half
run 0 train "${half[@]}" --train.steps 5 --run.dir half-cut
run 0 train "${half[@]}" --train.steps 8 --run.dir half-cut
same_training half/metrics.jsonl half-cut/metrics.jsonl
same "$(adapter half)" "$(adapter half-cut)"
says half/metrics.jsonl '"loss_scale":65536'

# A rate that only does harm: the first evaluation stays the best, two more end the run, and the first is exported.
bad=("${job[@]}" --data.eval rows.jsonl --train.eval_every 1 --optim.lr 30 --train.steps 30
  --train.early_stopping_patience 2 --train.load_best true --train.keep 1)
run 0 train "${bad[@]}" --optim.max_grad_norm 0 --run.dir early
says err 'training ends early'
says early/status.json '"best_step"'
best=$(status best_step early)
last=$(status step early)
[ "$last" -eq $((best + 2)) ] || fail "ended at step $last, two evaluations after the best at $best"
run 0 train "${bad[@]}" --optim.max_grad_norm 0 --train.early_stopping_patience 0 --train.load_best false \
  --train.steps "$best" --run.dir short
same "$(adapter early)" "$(adapter short)"
run 0 train "${bad[@]}" --optim.max_grad_norm 0 --run.dir early
[ "$(status step early)" -eq "$last" ] || fail "a run that ended early went on"

# By epochs: 20 rows in batches of 6 are 4 steps; evaluations before the first step, after 2, 4, 6 and 8.
run 0 train "${job[@]}" --data.eval rows.jsonl --train.epochs 2 --train.eval_every 0.5e --train.eval_on_start true \
  --run.dir epochs
[ "$(grep '"kind":"eval"' epochs/metrics.jsonl | value step /dev/stdin | tr '\n' ' ')" = "0 2 4 6 8 " ] ||
  fail "evaluated at other steps: $(grep '"kind":"eval"' epochs/metrics.jsonl)"

# By tokens: no step has more, and every row is seen once.
run 0 train "${job[@]}" --train.batch_tokens 300 --run.dir tokens
value tokens tokens/metrics.jsonl | awk '$1 > 300 { exit 1 }' || fail "a step of more than 300 tokens"
says tokens/metrics.jsonl '"epoch":1.0,'
run 0 train "${job[@]}" --train.batch_tokens 300 --train.steps 2 --run.dir tokens-cut
run 0 train "${job[@]}" --train.batch_tokens 300 --train.steps "$(wc -l < tokens/metrics.jsonl)" --run.dir tokens-cut
same_training tokens/metrics.jsonl tokens-cut/metrics.jsonl

# Micro-batches by free memory: the number is in the config that is left, and changes nothing but sums' order.
run 0 train "${job[@]}" --train.steps 3 --train.micro_tokens auto --run.dir auto
says auto/config.cfg 'micro_tokens = [1-9]'
run 0 train "${job[@]}" --train.steps 3 --run.dir fixed
close loss 1e-5 auto/metrics.jsonl fixed/metrics.jsonl

# Warm starts from one checkpoint: the same first loss; with the optimizer's state other steps than without.
first="--train.save_every 4 --train.steps 4"
run 0 train "${job[@]}" $first --run.dir before
run 0 train "${job[@]}" --train.steps 5 --run.dir before
start=before/checkpoints/step-00000004
run 0 train "${job[@]}" --train.init_from $start --train.init_optimizer true --data.shuffle false --train.steps 2 \
  --run.dir warm
says err "starting from the weights and the optimizer's state"
run 0 train "${job[@]}" --train.init_from $start --data.shuffle false --train.steps 2 --run.dir warm-weights
[ "$(value loss warm/metrics.jsonl | head -n 1)" = "$(value loss warm-weights/metrics.jsonl | head -n 1)" ] ||
  fail "two starts from the same weights differ"
[ "$(value loss warm/metrics.jsonl | tail -n 1)" != "$(value loss warm-weights/metrics.jsonl | tail -n 1)" ] ||
  fail "the optimizer's state changed nothing"
run 4 train "${job[@]}" --train.init_from $start --adapter.rank 8 --run.dir misfit
one_error err

# Time that is nearly over: saved, 75, and the same command goes on.
run 75 train "${job[@]}" --train.steps 100000 --train.max_time 3s --run.dir timed
says timed/status.json '"stopped"'
there "timed/checkpoints/step-$(printf %08d "$(status step timed)")"

refused() { # SAYS ARGS...
  local words=$1
  shift
  run 2 train "${job[@]}" "$@" --run.dir refused
  one_error err
  says err "$words"
}
refused 'train.eval_every' --train.eval_every 3x
refused 'train.max_time' --train.max_time soon
refused 'train.load_best' --train.load_best true
refused 'train.early_stopping_patience' --train.early_stopping_patience 3
refused 'train.init_optimizer' --train.init_optimizer true
finish
