#!/usr/bin/env bash
# What is done with trained weights agrees with itself: per-example sums with the loss, merged with adapters,
# converted with the original, quantised on disk with quantised on load.
source "$(dirname "$0")/lib.sh"

chats 7 > held-out.jsonl
run 0 train --config chat.cfg --config lora.cfg --train.steps 10 --run.dir first
run 0 train --config chat.cfg --config lora.cfg --model.adapters first/adapter --train.seed 7 --train.steps 6 --run.dir second
base=(--model.path "$CHAT" --model.dtype fp32)

evaluate() { # NAME ARGS...: JSON into NAME.json, per example into NAME.jsonl
  local name=$1
  shift
  run 0 evaluate --model.dtype fp32 --data.eval held-out.jsonl --per_example "$name.jsonl" "$@"
  cp out "$name.json"
}

# Per example: one line a row, in order; the loss is minus their sum over their tokens.
adapters=first/adapter,second/adapter
evaluate base --model.path "$CHAT"
evaluate both "${base[@]}" --model.adapters $adapters
[ "$(value index both.jsonl | tr '\n' ' ')" = "0 1 2 3 4 5 6 " ] || fail "rows of per_example: $(value index both.jsonl)"
paste <(value logp both.jsonl) <(value tokens both.jsonl) | awk '{ logp += $1; n += $2 }
  END { printf "{\"loss\":%.12g,\"tokens\":%d,\"perplexity\":%.12g}\n", -logp / n, n, exp(-logp / n) }' > summed.json
for key in loss tokens perplexity; do close $key 1e-6 both.json summed.json; done
[ "$(cat base.json)" != "$(cat both.json)" ] || fail "adapters change nothing"

# The same on two ranks and in smaller pieces.
run_ranks 2 0 evaluate "${base[@]}" --model.adapters $adapters --data.eval held-out.jsonl --per_example ranks.jsonl
close loss 1e-6 both.json out
close logp 1e-5 both.jsonl ranks.jsonl

# Merged weights stand for the base with its adapters.
run 0 merge "${base[@]}" --model.adapters $adapters --output merged
value max_abs_logit_error out | awk '{ exit !($1 >= 0 && $1 < 1e-3) }' || fail "merge error: $(cat out)"
evaluate merged --model.path merged
close loss 1e-4 both.json merged.json
close logp 1e-4 both.jsonl merged.jsonl

printf '%s\n' '{"prompt":"What is 3 plus 9?"}' '{"messages":[{"role":"user","content":"And 4 plus 12?"}]}' \
  '{"prompt":"12 and 30"}' > prompts.jsonl
answers=(--input prompts.jsonl --chat true --json true --max_new_tokens 12)
run 0 generate "${base[@]}" --model.adapters $adapters "${answers[@]}"
cp out unmerged.answers
run 0 generate --model.path merged --model.dtype fp32 "${answers[@]}"
same out unmerged.answers
[ "$(wc -l < out)" -eq 3 ] || fail "an answer a prompt: $(cat out)"
run_ranks 2 0 generate "${base[@]}" --model.adapters $adapters "${answers[@]}"
same out unmerged.answers
run 0 generate "${base[@]}" "${answers[@]}" --temperature 1 --seed 3
cp out sampled
run 0 generate "${base[@]}" "${answers[@]}" --temperature 1 --seed 3
same out sampled

# What was trained in another template than the model's own carries it, alone and merged; `auto` finds it there.
run 0 train --config chat.cfg --config lora.cfg --data.template zephyr --train.steps 4 --run.dir zephyr
[ ! -e first/adapter/tokenizer_config.json ] || fail "an adapter of the model's own template needs no tokenizer"
for template in auto zephyr smollm2; do
  evaluate in-$template "${base[@]}" --model.adapters zephyr/adapter --data.template $template
done
same in-auto.json in-zephyr.json
[ "$(cat in-auto.json)" != "$(cat in-smollm2.json)" ] || fail "the template changes nothing"
run 0 merge "${base[@]}" --model.adapters zephyr/adapter --output merged-zephyr
evaluate in-merged --model.path merged-zephyr
close loss 1e-4 in-zephyr.json in-merged.json
run 0 convert --model.path "$CHAT" --data.template alpaca --output in-alpaca
run 0 inspect chat --model.path in-alpaca --input held-out.jsonl
says out '### Instruction'

# Conversion keeps every tensor; the tokenizer and the template go along.
run 0 convert --model.path "$CHAT" --output copy
same "$CHAT/model.safetensors" copy/model.safetensors
run 2 convert --model.path "$CHAT" --output copy
says err 'error\[US086\]'
same "$CHAT/model.safetensors" copy/model.safetensors
for model in "$CHAT" copy; do
  run 0 inspect chat --model.path "$model" --input held-out.jsonl
  cp out "chat.$(basename "$model")"
done
same chat.tiny_chat chat.copy

# A type that is asked for is what is written and what config.json says; without one both stay as they were.
run 0 convert --model.path "$CHAT" --model.dtype bf16 --output half
run 0 convert --model.path half --output half-again
same half/model.safetensors half-again/model.safetensors
for model in half half-again; do
  says $model/config.json '"dtype": *"bfloat16"\|"torch_dtype": *"bfloat16"'
  head -c 400 $model/model.safetensors | grep -q BF16 || fail "$model holds no bf16"
done

# NF4 on disk is NF4 on load.
for double in true false; do
  run 0 convert --model.path "$CHAT" --quantize nf4 --model.double_quant $double --output nf4-$double
  run 3 convert --model.path nf4-$double --quantize nf4 --output again
  [ ! -e again ] || fail "a conversion that failed left: $(ls -a again)"
  evaluate stored-$double --model.path nf4-$double
  evaluate loaded-$double --model.path "$CHAT" --model.quantize nf4 --model.double_quant $double
  close loss 1e-6 stored-$double.json loaded-$double.json
  close logp 1e-5 stored-$double.jsonl loaded-$double.jsonl
  [ "$(cat base.json)" != "$(cat stored-$double.json)" ] || fail "quantisation changes nothing"
done

# Training on stored NF4 is training on quantised-on-load; merging folds into the dequantised weight.
run 0 train --config chat.cfg --config lora.cfg --model.quantize nf4 --train.steps 6 --run.dir on-load
run 0 train --config chat.cfg --config lora.cfg --model.path nf4-true --train.steps 6 --run.dir on-disk
close loss 1e-6 on-load/metrics.jsonl on-disk/metrics.jsonl
for from in "$CHAT --model.quantize nf4" nf4-true; do
  # shellcheck disable=SC2086
  run 0 merge --model.path $from --model.dtype fp32 --model.adapters on-load/adapter --output merged-nf4
  value max_abs_logit_error out | awk '{ exit !($1 >= 0 && $1 < 1e-3) }' || fail "merge error over $from: $(cat out)"
  evaluate merged-nf4 --model.path merged-nf4
  # shellcheck disable=SC2086
  evaluate over-nf4 --model.path $from --model.adapters on-load/adapter
  close loss 1e-4 merged-nf4.json over-nf4.json
  rm -r merged-nf4
done

# Going on from an exported adapter starts where it ended.
run 0 train --config chat.cfg --adapter.type lora --adapter.init first/adapter --train.steps 1 --data.shuffle false \
  --train.batch_size 20 --run.dir onward
evaluate first "${base[@]}" --model.adapters first/adapter --data.eval rows.jsonl
close loss 1e-6 first.json onward/metrics.jsonl
run 0 report first second --output both.html
says both.html '<svg'
finish
