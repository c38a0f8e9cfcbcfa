#!/usr/bin/env bash
# The tables of docs/scaling.md: each line is one `hone plan` command, the options above the table and those in the line.
#
#   scripts/scaling_tables.sh            prints them
#   scripts/scaling_tables.sh --write    puts them into docs/scaling.md
#
# HONE names the binary (build/launcher/hone), RANKS the numbers of ranks ("8 64 1024").
set -euo pipefail
cd "$(dirname "$0")/.."
HONE=${HONE:-build/launcher/hone}

# number KEY JSON: the (first) number at this key.
number() { grep -o "\"$1\":[-+0-9.e]*" <<< "$2" | head -n 1 | cut -d: -f2; }

# line OPTIONS: one row of a table.
line() {
  local plan
  # shellcheck disable=SC2086
  plan=$("$HONE" plan "${shared[@]}" $1 2> /dev/null)
  local fits=''
  grep -q '"fits":true' <<< "$plan" || fits=' **too much**'
  local sent
  sent=$(grep -o '"sent":[0-9]*' <<< "$plan" | cut -d: -f2 | awk '{ sum += $1 } END { printf "%.2f", sum / 2^30 }')
  awk -v options="$1" -v fits="$fits" -v sent="$sent" -v total="$(number total "$plan")" -v step="$(number step "$plan")" \
    -v exposed="$(number communication_exposed "$plan")" -v speed="$(number tokens_per_second "$plan")" \
    -v share="$(number share_of_peak "$plan")" -v shard="$(number rank_bytes "$plan")" \
    -v save="$(grep -o '"on_disk":[0-9]*,"seconds":[-+0-9.e]*' <<< "$plan" | cut -d: -f3)" 'BEGIN {
      printf "| `%s` | %.1f%s | %s | %.2f | %.2f | %.0f | %.0f %% | %.2f | %.1f |\n",
        options, total / 2^30, fits, sent, step, exposed, speed, 100 * share, shard / 2^30, save }'
}

# table TITLE: the head of one, for the options in `shared`.
table() {
  printf '\n### %s\n\n```\nhone plan %s ...\n```\n\n' "$1" "${shared[*]}"
  echo '| and | memory of a rank, GiB | sent by a rank, GiB a step | step, s | of it communication, s | tokens/s | of peak | checkpoint of a rank, GiB | saving, s |'
  echo '|---|---|---|---|---|---|---|---|---|'
}

tables() {
  local model ranks zero
  for model in 8b 70b; do
    shared=(--model.path configs/models/llama3_$model --data.max_length 8192 --train.batch_tokens 8388608
      --train.micro_tokens 8192 --train.recompute block --machine configs/machines/h100_node.cfg)
    table "Every weight of Llama 3 ${model^^}"
    for ranks in ${RANKS:-8 64 1024}; do
      for zero in 0 1 2 3; do line "--ranks $ranks --dist.zero $zero"; done
    done
    shared+=(--adapter.type lora --model.quantize nf4)
    table "QLoRA on Llama 3 ${model^^}"
    for ranks in ${RANKS:-8 64 1024}; do
      for zero in 0 3; do line "--ranks $ranks --dist.zero $zero"; done
    done
  done
}

if [[ ${1:-} == --write ]]; then
  page=docs/scaling.md
  new=$(mktemp)
  sed '/^<!-- tables -->$/q' "$page" > "$new"
  tables >> "$new"
  printf '\n' >> "$new"
  sed -n '/^<!-- end of tables -->$/,$p' "$page" >> "$new"
  cat "$new" > "$page"
  rm "$new"
else
  tables
fi
