# What the tests that kill a run share: the run `job` that nothing happens to, left in the folder
# straight, and the question whether one that was killed ends like it. All run in a folder named run: its name is part
# of what a checkpoint records.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=(--config chat.cfg --config lora.cfg --adapter.dropout 0.1 --data.eval rows.jsonl --train.eval_every 4
  --train.save_every 3 --train.keep 2 --run.dir run)
PASSED=0

run_straight() { # ARGS...: added to the job
  job+=("$@")
  run_ranks 2 0 train "${job[@]}"
  mv run straight
  rm -r hone-cache
}

# Every checkpoint, the metrics and the exported weights equal those of the straight run, byte for byte.
ended_like_straight() {
  diff -r straight/checkpoints run/checkpoints > differing || fail "checkpoints differ: $(head -c 400 differing)"
  same_training straight/metrics.jsonl run/metrics.jsonl
  same straight/adapter/adapter_model.safetensors run/adapter/adapter_model.safetensors
}

# goes_on WHAT...: the same command after a kill. Nothing is lost but the steps since the last checkpoint, which may be
# the one before that under way, and it ends like the straight run.
goes_on() {
  local failed=$FAILED newest steps
  newest=$(newest_checkpoint run)
  steps=$(last_step run)
  [ $((steps - newest)) -le 6 ] || fail "$*: $steps steps done, the newest checkpoint is of step $newest"
  run_ranks 2 0 train "${job[@]}"
  if [ "$newest" -gt 0 ]; then says err "going on from .* (step $newest)"; else silent err "going on from"; fi
  ended_like_straight
  if [ "$FAILED" -eq "$failed" ]; then PASSED=$((PASSED + 1)); else echo "in: $*"; fi
  rm -rf run hone-cache
}
