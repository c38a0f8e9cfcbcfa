#!/usr/bin/env bash
# New tokens whose rows alone are trained beside an adapter: trained, resumed, on two ranks, sharded, loaded back, merged.
source "$(dirname "$0")/lib.sh"

asked_rows
job=(train --config chat.cfg --data.train asked.jsonl --data.new_tokens "<|ask|>,<|reply|>")
rows=(--config lora.cfg --adapter.trainable_token_indices new)

run 2 train --config chat.cfg --adapter.trainable_token_indices 5 --run.dir refused
says err 'error\[US073\]'
run 2 "${job[@]}" --config lora.cfg --adapter.trainable_token_indices 5 --run.dir refused
says err 'error\[US074\]'
run 2 train --config chat.cfg --config lora.cfg --adapter.trainable_token_indices new --run.dir refused
says err 'error\[US077\]'
run 2 "${job[@]}" "${rows[@]}" --adapter.modules_to_save embed_tokens --run.dir refused
says err 'error\[US078\]'
run 2 "${job[@]}" "${rows[@]}" --adapter.modules_to_save model.embed_tokens --run.dir refused
says err 'error\[US078\]'
run 2 train --config chat.cfg --config lora.cfg --adapter.trainable_token_indices 5,100000 --run.dir refused
says err 'error\[AD016\]'

run 0 "${job[@]}" "${rows[@]}" --train.steps 8 --run.dir straight
run 0 "${job[@]}" "${rows[@]}" --train.steps 8 --train.save_every 4 --run.dir halves
rm -r halves/checkpoints/step-00000008 halves/adapter
run 0 "${job[@]}" "${rows[@]}" --train.steps 8 --train.save_every 4 --run.dir halves
same_training straight/metrics.jsonl halves/metrics.jsonl
same straight/adapter/adapter_model.safetensors halves/adapter/adapter_model.safetensors
short=("${job[@]}" "${rows[@]}" --train.steps 6 --optim.lr 0.001)
run 0 "${short[@]}" --run.dir short
for stage in 0 3; do
  run_ranks 2 0 "${short[@]}" --dist.zero "$stage" --run.dir "ranks$stage"
  close loss 1e-5 short/metrics.jsonl "ranks$stage/metrics.jsonl"
done

# The folder holds two rows in place of tables, their ids, and the tokenizer that they belong to.
says straight/adapter/adapter_model.safetensors base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta
if grep -q embed_tokens.weight straight/adapter/adapter_model.safetensors; then fail "the adapter holds the table"; fi
says straight/adapter/adapter_config.json '"trainable_token_indices"'
printf '<|reply|>\n' > line
run 0 inspect tokens --model.path straight/adapter --input line --special false
[ "$(grep -o '"ids":\[[0-9]*\]' out)" ] || fail "the new token is not one id: $(cat out)"

tuned=(--model.path "$CHAT" --model.adapters straight/adapter)
evaluate tuned "${tuned[@]}"
run 0 merge "${tuned[@]}" --model.dtype fp32 --output merged
value max_abs_logit_error out | awk '{ exit !($1 >= 0 && $1 < 1e-3) }' || fail "merge error: $(cat out)"
evaluate merged --model.path merged
close loss 1e-4 tuned.json merged.json
says merged/config.json '"tie_word_embeddings": true'
run 2 evaluate "${tuned[@]}" --model.dtype fp32 --data.eval held-out.jsonl --compare true
says err 'error\[US076\]'

# Going on from it starts where it ended.
run 0 train --config chat.cfg --data.train held-out.jsonl --adapter.type lora --adapter.init straight/adapter \
  --train.steps 1 --data.shuffle false --run.dir onward
close loss 1e-6 tuned.json onward/metrics.jsonl
there onward/adapter/tokenizer.json
onward=(train --config chat.cfg --data.train held-out.jsonl --adapter.type lora --adapter.init straight/adapter --train.steps 1)
run 0 "${onward[@]}" --data.new_tokens "<|ask|>,<|reply|>" --adapter.trainable_token_indices new --run.dir again
run 2 "${onward[@]}" --adapter.trainable_token_indices 9 --run.dir refused
says err 'error\[US024\]'
finish
