#!/usr/bin/env bash
# The program on one GPU beside the same on CPUs: training in every precision, its memory, resuming, evaluating and
# generating. Needs a CUDA device; without one the test says so and is reported as skipped.
SCRIPT=$(realpath "$0")
source "$(dirname "$0")/lib.sh"

if ! "$HONE" train --config chat.cfg --model.device cuda --train.steps 1 --run.dir probe > out 2> err; then
  if grep -q '^error\[CU001\]' err; then
    echo "SKIPPED: $(grep '^error\[' err)"
    exit 77
  fi
  fail "the first step on the GPU: $(cat err)"
  finish
fi

gpu=(--model.device cuda)
cpu=(--model.device cpu)
job=(train --config chat.cfg --data.eval rows.jsonl --train.eval_every 6 --train.steps 12)
lora=(--config lora.cfg --adapter.dropout 0.1)

learnt() {
  value loss "$1/metrics.jsonl" | awk 'NR == 1 { first = $1 } { last = $1 } END { exit !(last < first) }' ||
    fail "nothing was learnt: $(value loss "$1/metrics.jsonl" | tr '\n' ' ')"
}

# both TOLERANCE NAME ARGS...: runs of the same losses on the two devices, training's and the evaluations'.
both() {
  local tolerance=$1 name=$2
  shift 2
  run 0 "${job[@]}" "${cpu[@]}" --run.dir "$name-cpu" "$@"
  run 0 "${job[@]}" "${gpu[@]}" --run.dir "$name-gpu" "$@"
  close loss "$tolerance" "$name-cpu/metrics.jsonl" "$name-gpu/metrics.jsonl"
}
both 1e-3 full
both 1e-3 lora "${lora[@]}" --train.recompute block
both 1e-3 qlora "${lora[@]}" --model.quantize nf4
both 1e-3 whole "${lora[@]}" --adapter.modules_to_save embed_tokens --objective.z_loss 1e-4 \
  --objective.label_smoothing 0.1 --train.neftune_noise_alpha 5
both 5e-2 bf16 "${lora[@]}" --model.dtype bf16 --model.quantize nf4

# The same weights, however they are come by.
plain=("${job[@]}" "${gpu[@]}" "${lora[@]}")
for variant in "--train.cuda_graph false" "--optim.paged true" "--train.micro_tokens auto" "--dist.zero 2" \
  "--train.recompute block --train.offload block_inputs"; do
  # shellcheck disable=SC2086
  run 0 "${plain[@]}" $variant --run.dir variant
  close loss 1e-4 lora-gpu/metrics.jsonl variant/metrics.jsonl
  rm -r variant
done

# Other optimizers, and fp16 with its loss scale.
for more in "--optim.name adamw_8bit" "--optim.name adafactor --optim.lr 0.001" "--optim.name lion --optim.lr 0.001" \
  "--model.dtype fp16 --model.quantize nf4 --optim.paged true --train.recompute block" \
  "--model.dtype bf16 --model.master_dtype bf16"; do
  # shellcheck disable=SC2086
  run 0 "${plain[@]}" $more --run.dir other
  learnt other
  rm -r other
done

# The classic recipe, with a small model in place of its own; device auto is the GPU.
run 0 train --config "$(dirname "$SCRIPT")/../../configs/sft/tinyllama_qlora.cfg" --model.path "$CHAT" --data.train rows.jsonl \
  --data.eval rows.jsonl --train.steps 12 --train.eval_every 6 --run.dir recipe
learnt recipe

# A run that stopped goes on, there and on the other device.
run 0 "${plain[@]}" --schedule.name constant --run.dir straight
for next in cuda cpu; do
  run 0 "${plain[@]}" --schedule.name constant --train.steps 6 --run.dir cut
  run 0 "${plain[@]}" --schedule.name constant --model.device $next --run.dir cut
  says err "going on from"
  close loss 1e-4 straight/metrics.jsonl cut/metrics.jsonl
  rm -r cut
done

# Judged and asked.
for device in cpu cuda; do
  run 0 evaluate --model.path full-cpu/model --model.dtype fp32 --model.device $device --data.eval rows.jsonl
  cp out "evaluated-$device"
  run 0 generate --model.path full-cpu/model --model.dtype fp32 --model.device $device --chat true \
    --prompt "What is 3 plus 9?" --max_new_tokens 16
  cp out "greedy-$device"
  run 0 generate --model.path full-cpu/model --model.dtype fp32 --model.device $device --chat true --seed 7 \
    --prompt "What is 3 plus 9?" --max_new_tokens 16 --temperature 0.8 --top_k 40 --top_p 0.9
  cp out "drawn-$device"
done
close loss 1e-4 evaluated-cpu evaluated-cuda
same greedy-cpu greedy-cuda
same drawn-cpu drawn-cuda

# Memory that runs out in a step is told of with where it went and what to lower.
PYTORCH_ALLOC_CONF=per_process_memory_fraction:0.0002 run 7 "${job[@]}" "${gpu[@]}" --run.dir short
one_error err
says err 'error\[OM001\].*the model takes.*free of the GPU.*lower train.micro_tokens'
finish
