#!/usr/bin/env bash
# ZeRO through the program: each stage on any number of ranks trains what one rank trains; under the deterministic tree to
# the last bit, also where a run is stopped and gone on with on other ranks at another stage.
source "$(dirname "$0")/lib.sh"

job=(--config chat.cfg --config lora.cfg --model.quantize nf4 --adapter.dropout 0.1 --train.steps 6 --train.save_every 3)
weights=adapter/adapter_model.safetensors
run 0 train "${job[@]}" --run.dir one
for stage in 0 1 2 3; do
  run_ranks 2 0 train "${job[@]}" --dist.zero $stage --run.dir stage$stage
  close loss 1e-5 one/metrics.jsonl stage$stage/metrics.jsonl
  says stage$stage/timing.json '"hidden_share"'
done
says stage1/timing.json reduce_scatter
says stage3/timing.json all_gather

full=(--config chat.cfg --optim.lr 0.001 --train.steps 6 --train.save_every 6)
run 0 train "${full[@]}" --run.dir full
run_ranks 3 0 train "${full[@]}" --dist.zero 3 --optim.name adamw --run.dir full3
close loss 1e-5 full/metrics.jsonl full3/metrics.jsonl

tree=("${job[@]}" --dist.deterministic tree)
run 0 train "${tree[@]}" --run.dir tree
run_ranks 2 0 train "${tree[@]}" --dist.zero 3 --run.dir tree2
run_ranks 4 0 train "${tree[@]}" --dist.zero 2 --dist.shard_ranks 2 --run.dir tree4
for other in tree2 tree4; do
  same_training tree/metrics.jsonl $other/metrics.jsonl
  same tree/$weights $other/$weights
done
run_ranks 4 0 train "${tree[@]}" --dist.zero 1 --run.dir moved
rm -r moved/checkpoints/step-00000006 moved/adapter  # as if it had been killed before
run_ranks 2 0 train "${tree[@]}" --dist.zero 3 --run.dir moved
same_training tree/metrics.jsonl moved/metrics.jsonl
same tree/$weights moved/$weights

# Rows so long that threads would share the products.
filler=$(printf 'word%s ' $(seq 60))
sed "s/What is/Listen: ${filler}what is/" rows.jsonl > long.jsonl
long=(--config chat.cfg --data.train long.jsonl --data.max_length 512 --train.micro_tokens 1024 --dist.deterministic tree --optim.lr 0.001 --train.steps 2)
run 0 train "${long[@]}" --run.dir long
run_ranks 2 0 train "${long[@]}" --dist.zero 2 --run.dir long2
same_training long/metrics.jsonl long2/metrics.jsonl
same long/model/model.safetensors long2/model/model.safetensors

run_ranks 3 2 train "${tree[@]}" --run.dir refused
one_error err
says err 'US080'
run_ranks 3 2 train "${job[@]}" --dist.zero 1 --dist.shard_ranks 2 --run.dir refused
says err 'US081'
finish
