#!/usr/bin/env bash
# Every configuration under configs/sft with a small model in place of its own, in fp32, for three steps: it runs, and
# what it says of the adapter and the optimizer is what is run.
source "$(dirname "$0")/lib.sh"

recipes=$(dirname "$(dirname "$GOLDEN")")/configs/sft
for recipe in "$recipes"/*.cfg; do
  name=$(basename "$recipe" .cfg)
  run 0 train --config "$recipe" --model.path "$CHAT" --model.dtype fp32 --model.device cpu --data.train rows.jsonl \
    --data.eval rows.jsonl --train.steps 3 --train.eval_every 3 --train.save_every 3 --run.dir "$name"
  says "$name/status.json" '"done"'
  [ "$(grep -c '"kind":"train"' "$name/metrics.jsonl")" -eq 3 ] || fail "$name: steps"
done
there tinyllama_qlora/adapter/adapter_config.json smollm2_full/model/config.json
says tinyllama_qlora/adapter/adapter_config.json '"r": 64'
says tinyllama_qlora/adapter/adapter_config.json '"lora_alpha": 32'
for module in q k v o gate up down; do says tinyllama_qlora/adapter/adapter_config.json "\"${module}_proj\""; done
finish
