#!/usr/bin/env bash
# A run that stopped goes on bit for bit: metrics and exported weights equal those of the run that did not stop.
source "$(dirname "$0")/lib.sh"

adapter() { echo "$1/adapter/adapter_model.safetensors"; }

# Dropout is on so that its generator has to go on as well; packing and order must too.
job=(--config chat.cfg --config lora.cfg --adapter.dropout 0.1 --data.eval rows.jsonl --train.eval_every 4)

# Stopped by train.steps, in the middle of an epoch and at its end; the schedule does not know the number of steps.
for ranks in 1 2; do
  run_ranks "$ranks" 0 train "${job[@]}" --schedule.name constant --train.steps 9 --run.dir "straight$ranks"
  for stop in 3 4; do
    cut=cut$ranks-$stop
    run_ranks "$ranks" 0 train "${job[@]}" --schedule.name constant --train.steps $stop --run.dir "$cut"
    run_ranks "$ranks" 0 train "${job[@]}" --schedule.name constant --train.steps 9 --run.dir "$cut"
    says err "going on from"
    same_training "straight$ranks/metrics.jsonl" "$cut/metrics.jsonl"
    same "$(adapter "straight$ranks")" "$(adapter "$cut")"
  done
done

# A checkpoint of one rank continues on two, to rounding.
run 0 train "${job[@]}" --schedule.name constant --train.steps 4 --run.dir moved
run_ranks 2 0 train "${job[@]}" --schedule.name constant --train.steps 9 --run.dir moved
close loss 1e-5 straight1/metrics.jsonl moved/metrics.jsonl

# Full fine-tuning, which also moves norms and embeddings.
full=(--config chat.cfg --optim.weight_decay 0.01 --schedule.name constant)
run 0 train "${full[@]}" --train.steps 6 --run.dir full
run 0 train "${full[@]}" --train.steps 2 --run.dir full-cut
run 0 train "${full[@]}" --train.steps 6 --run.dir full-cut
same full/model/model.safetensors full-cut/model/model.safetensors

# Optimizer state of other types and units, and weights in bf16 alone, rounded stochastically.
for optimizer in adamw_8bit adafactor; do
  odd=(--config chat.cfg --config lora.cfg --optim.name $optimizer --schedule.name step --schedule.step_size 2
    --model.dtype bf16 --model.master_dtype bf16 --train.steps 6)
  run_ranks 2 0 train "${odd[@]}" --run.dir "$optimizer"
  run_ranks 2 0 train "${odd[@]}" --train.steps 2 --run.dir "$optimizer-cut"
  run_ranks 2 0 train "${odd[@]}" --run.dir "$optimizer-cut"
  says err "going on from"
  same "$(adapter $optimizer)" "$(adapter "$optimizer-cut")"
done

# One rank of two is asked to stop; both do at the same step.
long=(--config chat.cfg --config lora.cfg --adapter.dropout 0.1 --schedule.name cosine --train.steps 120
  --train.save_every 300 --train.log_every 50)
run_ranks 2 0 train "${long[@]}" --run.dir long2
mpirun --oversubscribe -n 2 "$HONE" train "${long[@]}" --run.dir signal2 > out 2> err &
wait_for_rows 5 signal2/metrics.jsonl
kill -USR1 "$(children $! | tail -n 1)"
wait $!
expect_code 75 $? "mpirun -n 2, one rank stopped by USR1"
silent err '^error\['
run_ranks 2 0 train "${long[@]}" --run.dir signal2
same_training long2/metrics.jsonl signal2/metrics.jsonl
same "$(adapter long2)" "$(adapter signal2)"
finish
