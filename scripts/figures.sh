#!/usr/bin/env bash
# Every figure of docs/reliability.md and docs/scaling.md that this machine can give, one after the other; some twenty
# minutes on two idle cores. Each part says what it prints; a part that fails is named at the end.
#   scripts/figures.sh [MODEL ROWS.jsonl]     (with a model: what saving costs its steps)
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()
part() { # TITLE COMMAND...
  echo "== $1"
  shift
  "$@" || failed+=("$*")
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tests() { # REGEX: how many passed and which were skipped; of a failure everything
  ctest --test-dir build -R "$1" --output-on-failure > "$scratch/tests" || { cat "$scratch/tests"; return 1; }
  grep -E 'tests passed|\(Skipped\)$' "$scratch/tests"
}

part "the same training, whatever is sharded; elastic checkpoints over 25 pairs of ranks and stages" \
  tests 'ZeroStages|Elastic|EveryOptimizer|CommunicationPlan|e2e\.zero|e2e\.plan|Loader\.Samples'
part "communicators: one suite on one rank, threads, MPI, and a fake of NCCL" \
  tests 'CommunicatorSuite|ranks\.'
part "checkpoint bandwidth beside the disk's, and what a save costs its caller" \
  build/bench/bench_checkpoint_write "$scratch" 1024 5
if [ $# -eq 2 ]; then part "what saving costs the steps of a model" scripts/save_stall.sh "$1" "$2"; fi
part "the read path and its start-up" build/bench/bench_read_path
part "strong and weak scaling, communication hidden by stage" scripts/scaling_here.sh
part "24 fail points x 3 victims, 50 random kills" scripts/fault_matrix.sh
part "two hosts" bash tests/e2e/two_hosts_test.sh build/launcher/hone tests/golden
part "plans for 8, 64 and 1,024 GPUs" scripts/scaling_tables.sh
[ ${#failed[@]} -eq 0 ] || { printf 'failed: %s\n' "${failed[@]}"; exit 1; }
