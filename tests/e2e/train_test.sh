#!/usr/bin/env bash
# hone train: LoRA, LoRA over NF4 and full fine-tuning lower the loss and leave the files of a run.
source "$(dirname "$0")/lib.sh"

falls() {
  value loss "$1" | awk 'NR == 1 { first = $1 } { last = $1 } END { exit !(NR > 1 && last < 0.8 * first) }' ||
    fail "the loss of $1 does not fall: $(value loss "$1" | tr '\n' ' ')"
}

complete() { # RUN STEPS
  there "$1"/{config.cfg,metrics.jsonl,status.json,logs/rank-000.log,report.html} "$1/checkpoints/step-$(printf %08d "$2")"
  [ "$(value step "$1/metrics.jsonl" | sort -n | uniq | tr '\n' ' ')" = "$(seq -s ' ' "$2") " ] || fail "steps of $1"
  [ "$(grep -c '"kind":"train"' "$1/metrics.jsonl")" -eq "$2" ] || fail "$1: one train row a step"
  says "$1/status.json" '"done"'
  says "$1/report.html" '<svg'
  [ "$(find "$1/checkpoints" -mindepth 1 -maxdepth 1 ! -name 'step-????????' ! -name latest | wc -l)" -eq 0 ] ||
    fail "$1/checkpoints holds more than checkpoints"
}

grid=(--config chat.cfg --train.steps 8 --train.save_every 4 --data.eval rows.jsonl --train.eval_every 4)
run 0 train "${grid[@]}" --config lora.cfg --run.dir lora
falls lora/metrics.jsonl
complete lora 8
there lora/adapter/{adapter_config.json,adapter_model.safetensors}
[ "$(grep -c '"kind":"eval"' lora/metrics.jsonl)" -eq 2 ] || fail "an evaluation every 4 steps"
[ -s out ] && fail "train writes to standard output"

run 0 train "${grid[@]}" --config lora.cfg --model.quantize nf4 --run.dir nf4
falls nf4/metrics.jsonl
complete nf4 8
there nf4/adapter/{adapter_config.json,adapter_model.safetensors}

run 0 train "${grid[@]}" --run.dir full
falls full/metrics.jsonl
complete full 8
there full/model/{config.json,model.safetensors,tokenizer.json,tokenizer_config.json,generation_config.json}
run 0 evaluate --model.path full/model --model.dtype fp32 --data.eval rows.jsonl
mv out exported
tail -n 1 full/metrics.jsonl > last
close loss 1e-6 exported last

# The effective config of a run, given again, is the same run.
run 0 train --config lora/config.cfg --run.dir again
same_training lora/metrics.jsonl again/metrics.jsonl
same lora/adapter/adapter_model.safetensors again/adapter/adapter_model.safetensors
finish
