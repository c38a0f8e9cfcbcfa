#!/usr/bin/env bash
# Stopped on request: the step just done is saved, the run ends with 75, and the same command ends with the bits of a
# run that was not stopped. Without a launcher also by INT and TERM, after which mpirun kills within two seconds.
source "$(dirname "$0")/lib.sh"

job=(--config chat.cfg --config lora.cfg --adapter.dropout 0.1 --schedule.name cosine --train.steps 120
  --train.save_every 200 --train.log_every 50)

# stopped CODE WHAT...: the run of $LAUNCHER in the folder stopped ended with 75 and a checkpoint of its last step.
stopped() {
  end_ranks 75 "$*"
  silent err '^error\['
  there "stopped/checkpoints/step-$(printf %08d "$(last_step stopped)")"
  says stopped/status.json '"stopped"'
}

same_as() { # STRAIGHT
  says err "going on from"
  same_training "$1/metrics.jsonl" stopped/metrics.jsonl
  same "$1/adapter/adapter_model.safetensors" stopped/adapter/adapter_model.safetensors
  rm -r stopped
}

run 0 train "${job[@]}" --run.dir straight
for signal in USR1 USR2 XCPU TERM INT; do
  "$HONE" train "${job[@]}" --run.dir stopped > out 2> err &
  LAUNCHER=$!
  wait_for_rows 5 stopped/metrics.jsonl
  kill "-$signal" "$LAUNCHER"
  stopped "hone stopped by $signal"
  run 0 train "${job[@]}" --run.dir stopped
  same_as straight
done

# Under mpirun: USR1 and USR2 go to all ranks, XCPU (a limit of the system) comes to one.
run_ranks 2 0 train "${job[@]}" --run.dir straight2
for signal in USR1 USR2 XCPU; do
  start_ranks 2 train "${job[@]}" --run.dir stopped
  wait_for_rows 5 stopped/metrics.jsonl
  if [ $signal = XCPU ]; then kill -XCPU "$(rank_pid 1)"; else kill "-$signal" "$LAUNCHER"; fi
  stopped "mpirun -n 2 stopped by $signal"
  run_ranks 2 0 train "${job[@]}" --run.dir stopped
  same_as straight2
done
finish
