#!/usr/bin/env bash
# However a step's batch is cut into micro-batches and ranks, the losses are the same; recompute changes no bit.
source "$(dirname "$0")/lib.sh"

twelve=(--config chat.cfg --train.steps 12 --train.save_every 12)
for kind in lora nf4 full; do
  job=("${twelve[@]}")
  [ $kind = full ] && job+=(--optim.lr 0.001) || job+=(--config lora.cfg --adapter.dropout 0.1)
  [ $kind = nf4 ] && job+=(--model.quantize nf4)
  run 0 train "${job[@]}" --run.dir $kind
  run 0 train "${job[@]}" --train.micro_tokens 160 --run.dir $kind-small
  run 0 train "${job[@]}" --train.recompute block --run.dir $kind-recompute
  run_ranks 2 0 train "${job[@]}" --run.dir $kind-ranks
  for other in small ranks; do close loss 1e-5 $kind/metrics.jsonl $kind-$other/metrics.jsonl; done
  for other in small ranks; do close grad_norm 1e-4 $kind/metrics.jsonl $kind-$other/metrics.jsonl; done
  same_training $kind/metrics.jsonl $kind-recompute/metrics.jsonl
done

job=("${twelve[@]}" --config lora.cfg --adapter.dropout 0.1)
run 0 train "${job[@]}" --data.packing false --run.dir unpacked
run 0 train "${job[@]}" --train.micro_tokens 2048 --run.dir large
run_ranks 3 0 train "${job[@]}" --train.micro_tokens 160 --data.packing false --run.dir three
for other in unpacked large three; do close loss 1e-5 lora/metrics.jsonl $other/metrics.jsonl; done

# The measure tells different training apart.
run 0 train "${job[@]}" --train.seed 43 --run.dir other
[ "$(train_values lora/metrics.jsonl)" != "$(train_values other/metrics.jsonl)" ] || fail "the seed changes nothing"
finish
