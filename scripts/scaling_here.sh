#!/usr/bin/env bash
# Strong and weak scaling from one rank to two, measured on this machine with a core a rank: one rank; two ranks on the
# same step; two ranks on a step of twice the rows. The best of several runs taken in turn counts. One JSON line:
#   strong  seconds of one rank over seconds of two (2 is ideal)
#   weak    seconds of one rank over seconds of two with twice the rows (1 is ideal)
# Then a line for each ZeRO stage on two ranks: the share of the time in which a collective was under way that no rank
# waited for it, and the bytes of a step.
#
#   scripts/scaling_here.sh [ROUNDS]     (3)
#
# HONE names the binary (build/launcher/hone).
set -euo pipefail
cd "$(dirname "$0")/.."
HONE=$(realpath "${HONE:-build/launcher/hone}")
rounds=${1:-3}
small=$PWD/tests/golden/e2e/tiny_chat
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_WAIT_POLICY=passive OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

mkdir model
cp "$small"/tokenizer.json "$small"/tokenizer_config.json model/
sed 's/"hidden_size": 32/"hidden_size": 512/; s/"intermediate_size": 64/"intermediate_size": 1408/
  s/"num_attention_heads": 2/"num_attention_heads": 8/; s/"num_key_value_heads": 1/"num_key_value_heads": 4/
  s/"head_dim": 16/"head_dim": 64/; s/"num_hidden_layers": 2/"num_hidden_layers": 6/' "$small"/config.json > model/config.json
awk 'BEGIN { for (d = 1; d <= 64; ++d) { text = ""
  for (i = 1; i <= 120; ++i) text = text i " and " i + d " are " 2 * i + d ". "
  printf "{\"text\":\"%s\"}\n", text } }' > rows.jsonl

# best RANKS ROWS ARGS...: seconds of the fastest step.
best() {
  local ranks=$1 rows=$2
  shift 2
  rm -rf run
  mpirun -n "$ranks" --bind-to core "$HONE" train --model.path model --model.init random --model.dtype fp32 \
    --data.train rows.jsonl --data.max_length 256 --train.batch_size "$rows" --train.micro_tokens 1024 --train.steps 6 \
    --train.save_every 1000 --train.eval_every 1000 --run.dir run "$@" > /dev/null 2> err || { tail -n 5 err >&2; exit 1; }
  grep '"kind":"train"' run/metrics.jsonl | tail -n 5 | grep -o '"seconds":[-+0-9.e]*' | cut -d: -f2 | sort -g | head -n 1
}

for ((round = 0; round < rounds; ++round)); do
  best 1 8 >> one
  best 2 8 >> strong
  best 2 16 >> weak
done
for kind in one strong weak; do sort -g -o $kind $kind; done
awk -v one="$(head -n 1 one)" -v strong="$(head -n 1 strong)" -v weak="$(head -n 1 weak)" 'BEGIN {
  printf "{\"one_rank_s\":%.4g,\"two_ranks_s\":%.4g,\"two_ranks_twice_the_rows_s\":%.4g,\"strong\":%.3f,\"weak\":%.3f}\n",
    one, strong, weak, one / strong, one / weak }'

for stage in 0 1 2 3; do
  seconds=$(best 2 8 --dist.zero $stage)
  tr -d ' \n' < run/timing.json | awk -v stage=$stage -v seconds="$seconds" '{
    share = $0; sub(/.*"hidden_share":/, "", share); sub(/[,}].*/, "", share)
    bytes = 0
    while (match($0, /"bytes":[0-9]+/)) { bytes += substr($0, RSTART + 8, RLENGTH - 8); $0 = substr($0, RSTART + RLENGTH) }
    printf "{\"zero\":%d,\"step_s\":%.4g,\"hidden_share\":%.3f,\"mb_per_step\":%.1f}\n", stage, seconds, share, bytes / 6e6 }'
done
