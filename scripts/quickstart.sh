#!/usr/bin/env bash
# From nothing to a fine-tuned model: brings what is missing, builds, gets SmolLM2-135M-Instruct, makes rows from the
# machine's package index, trains a QLoRA adapter on two ranks, and compares it with the base model on held-out rows.
#
#   scripts/quickstart.sh                                      the package index
#   scripts/quickstart.sh --train FILE.jsonl --eval FILE.jsonl rows of your own
#
#   --dir DIR    where data, run and results go (quickstart)
#   --ranks N    ranks to train on (2)
#
# Run again, it does only what is missing; stopped with Ctrl-C, the same command goes on from the last checkpoint.
set -euo pipefail
cd "$(dirname "$0")/.."
HONE_SCRIPT=quickstart
source scripts/lib.sh

dir=quickstart ranks=2 train='' held_out=''
while (($#)); do
  case $1 in
    --train | --eval | --dir | --ranks) (($# >= 2)) || { say "$1 needs a value"; exit 2; } ;;&
    --train) train=$2 ;;
    --eval) held_out=$2 ;;
    --dir) dir=$2 ;;
    --ranks) ranks=$2 ;;
    --help | -h) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) say "unknown option $1 (--help lists them)"; exit 2 ;;
  esac
  shift 2
done
[[ ${train:+given} == "${held_out:+given}" ]] || { say "--train and --eval go together"; exit 2; }
[[ -z $train || (-f $train && -f $held_out) ]] || die "no such file: $train or $held_out"

hone=build/launcher/hone
config=configs/sft/smollm2_qlora.cfg
run=$dir/run
trap 'say "stopped; the same command goes on where this one was"; exit 130' INT

on_ranks() {
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n "$ranks" "$@" </dev/null
}

build() {
  step "configure" build/log/configure.log cmake --preset release
  step "build" build/log/build.log cmake --build build --target hone
}

make_data() {
  train_rows=$train validation_rows=$held_out test_rows=$held_out
  [[ -z $train ]] || return 0
  scripts/make_package_data.sh "$dir/data"
  train_rows=$dir/data/train.jsonl validation_rows=$dir/data/validation.jsonl test_rows=$dir/data/test.jsonl
}

train_adapter() {
  if [[ -e $run/adapter/adapter_model.safetensors ]]; then
    say "the adapter is there already: $run/adapter"
    return
  fi
  say "training on $ranks ranks: $config on $train_rows"
  on_ranks "$hone" train --config "$config" --model.path "$model" --data.train "$train_rows" \
    --data.eval "$validation_rows" --run.dir "$run"
}

# The base model, always giving the commonest answer, and the tuned model on the held-out rows: a table here and in
# the run's report.
compare() {
  if [[ ! -e $dir/result.txt ]]; then
    say "answering $(wc -l <"$test_rows") held-out rows with the base and the tuned model"
    on_ranks "$hone" evaluate --model.path "$model" --model.quantize nf4 --model.adapters "$run/adapter" \
      --data.template chatml --data.train "$train_rows" --data.eval "$test_rows" --compare true \
      --max_new_tokens 12 --run.dir "$run" 2>&1 >"$dir/result.json" | tee "$dir/result.part" >&2
    mv "$dir/result.part" "$dir/result.txt"
  else
    cat "$dir/result.txt" >&2
  fi
}

started=$SECONDS
scripts/setup.sh
build
model=$(scripts/get_model.sh)
mkdir -p "$dir"
make_data
train_adapter
compare
say "the report is $run/report.html, the adapter $run/adapter ($((SECONDS - started)) s in all)"
