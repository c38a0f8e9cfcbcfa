#!/usr/bin/env bash
# An error under mpirun, on every rank or on one of them: one error line, the contract's exit code, no rank left.
source "$(dirname "$0")/lib.sh"

# bad_ranks CODE SAYS ARGS...: two ranks of hone refuse together.
bad_ranks() {
  local wanted=$1 says=$2
  shift 2
  run_ranks 2 "$wanted" "$@"
  one_error err
  grep '^error\[' err | grep -q -e "$says" || fail "the error does not say \"$says\": hone $*: $(cat err)"
}

job=(train --config chat.cfg --config lora.cfg --train.steps 4 --run.dir bad)
printf '%s\n' '{"messages":[]}' > bad.jsonl
chats 40 > late.jsonl && echo 'not json' >> late.jsonl
bad_ranks 2 'train.stepz' "${job[@]}" --train.stepz 3
bad_ranks 3 'none.jsonl' "${job[@]}" --data.train none.jsonl
bad_ranks 3 'bad.jsonl:1' "${job[@]}" --data.train bad.jsonl
bad_ranks 3 'late.jsonl:41' "${job[@]}" --data.train late.jsonl
bad_ranks 3 'none' "${job[@]}" --model.path none
bad_ranks 2 'micro_tokens' "${job[@]}" --train.micro_tokens 20
bad_ranks 2 'quantize' "${job[@]}" --adapter.type none --model.quantize nf4
bad_ranks 6 'step 2' "${job[@]}" --optim.lr 1e38
bad_ranks 8 'rows.jsonl' "${job[@]}" --run.dir rows.jsonl
# What only rank 0 does and so only rank 0 sees fail.
bad_ranks 8 'none/scores' evaluate --model.path "$CHAT" --model.dtype fp32 --data.eval rows.jsonl --per_example none/scores
bad_ranks 8 'rows.jsonl/copy' convert --model.path "$CHAT" --output rows.jsonl/copy
bad_ranks 3 'none.jsonl' generate --model.path "$CHAT" --model.dtype fp32 --input none.jsonl

# Checkpoints: a damaged one asked for by name, changed settings, a file in the folder's place.
run_ranks 2 0 "${job[@]}" --run.dir good
cp -r good damaged
truncate -s -1 damaged/checkpoints/step-00000004/rank-00001-00000.h5
bad_ranks 4 'rank-00001-00000.h5' "${job[@]}" --train.resume damaged/checkpoints/step-00000004
bad_ranks 4 'rank-00001-00000.h5' inspect checkpoint damaged/checkpoints/step-00000004
bad_ranks 2 'optim.lr' "${job[@]}" --run.dir good --optim.lr 0.5
mkdir blocked && touch blocked/checkpoints
bad_ranks 8 'blocked/checkpoints' "${job[@]}" --run.dir blocked
run_ranks 2 0 inspect checkpoint good/checkpoints/step-00000004

# Ranks that were not given the same settings.
timeout "$LIMIT" mpirun --oversubscribe -n 1 "$HONE" "${job[@]}" --run.dir mixed : \
  -n 1 "$HONE" "${job[@]}" --run.dir mixed --optim.lr 0.5 > out 2> err
expect_code 2 $? "two ranks with different settings"
one_error err
says err 'config'

# A setting that changes what a rank does at once, and another program, by one byte.
mixed() { # SAYS HONE ARGS...: rank 1 is this
  local says=$1
  shift
  timeout "$LIMIT" mpirun --oversubscribe -n 1 "$HONE" "${job[@]}" --run.dir mixed : -n 1 "$@" > out 2> err
  expect_code 2 $? "rank 1 is $*"
  one_error err
  says err "error\[MP004\]: $says differs: rank [01] on $(hostname)"
}
{ cat "$HONE" && echo; } > other
chmod +x other
mixed program ./other "${job[@]}" --run.dir mixed
mixed config "$HONE" "${job[@]}" --run.dir mixed --model.dtype auto
mixed config "$HONE" "${job[@]}" --run.dir elsewhere
[ ! -e mixed ] && [ ! -e elsewhere ] || fail "a run that did not begin left a folder"

# More ranks than GPUs.
bad_ranks 2 'CU001.*model.device' "${job[@]}" --run.dir gpus --model.device cuda

# srun without PMIx: tasks that do not see each other. The first one speaks for all.
for task in 0 1; do
  SLURM_PROCID=$task SLURM_NTASKS=2 SLURM_STEP_NUM_TASKS=2 timeout "$LIMIT" "$HONE" "${job[@]}" --run.dir apart > out 2> err$task
  expect_code 2 $? "task $task of srun without PMIx"
done
one_error err0
says err0 'error\[MP001\].*2 tasks.*srun --mpi=pmix'
[ ! -s err1 ] || fail "task 1 speaks too: $(cat err1)"
# Nor do they where srun speaks a PMI that this MPI does not.
PMI_RANK=0 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 timeout "$LIMIT" "$HONE" "${job[@]}" --run.dir apart > out 2> err
expect_code 2 $? "task 0 of srun --mpi=pmi2"
one_error err
says err 'error\[MP001\]'
finish
