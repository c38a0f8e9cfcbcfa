#!/usr/bin/env bash
# New tokens and whole modules beside an adapter: trained, resumed, loaded back, merged; and all weights with new tokens.
source "$(dirname "$0")/lib.sh"

asked_rows
job=(train --config chat.cfg --data.train asked.jsonl --data.new_tokens "<|ask|>,<|reply|>")
whole=(--config lora.cfg --adapter.modules_to_save "embed_tokens,lm_head,norm")

# The new rows of a frozen embedding could not learn.
run 2 "${job[@]}" --config lora.cfg --run.dir refused
says err 'error\[US074\]'
run 2 train --config chat.cfg --adapter.modules_to_save lm_head --run.dir refused
says err 'error\[US073\]'
run 2 train --config chat.cfg --config lora.cfg --adapter.modules_to_save head_of_state --run.dir refused
says err 'error\[AD014\]'

run 0 "${job[@]}" "${whole[@]}" --train.steps 8 --run.dir straight
run 0 "${job[@]}" "${whole[@]}" --train.steps 8 --train.save_every 4 --run.dir halves
rm -r halves/checkpoints/step-00000008 halves/adapter
run 0 "${job[@]}" "${whole[@]}" --train.steps 8 --train.save_every 4 --run.dir halves
same_training straight/metrics.jsonl halves/metrics.jsonl
same straight/adapter/adapter_model.safetensors halves/adapter/adapter_model.safetensors
short=("${job[@]}" "${whole[@]}" --train.steps 6 --optim.lr 0.001)
run 0 "${short[@]}" --run.dir short
run_ranks 2 0 "${short[@]}" --run.dir ranks
close loss 1e-5 short/metrics.jsonl ranks/metrics.jsonl

# The adapter's folder holds all it takes, the tokenizer too.
there straight/adapter/tokenizer.json
says straight/adapter/adapter_config.json '"norm"'
for name in base_model.model.model.embed_tokens.weight base_model.model.lm_head.weight base_model.model.model.norm.weight; do
  says straight/adapter/adapter_model.safetensors "$name"
done
printf '<|reply|>\n' > line
run 0 inspect tokens --model.path straight/adapter --input line --special false
[ "$(grep -o '"ids":\[[0-9]*\]' out)" ] || fail "the new token is not one id: $(cat out)"
cp out new-token
run 0 inspect tokens --model.path "$CHAT" --data.new_tokens "<|ask|>,<|reply|>" --input line --special false
same out new-token

tuned=(--model.path "$CHAT" --model.adapters straight/adapter)
evaluate tuned "${tuned[@]}"
run 0 merge "${tuned[@]}" --model.dtype fp32 --output merged
value max_abs_logit_error out | awk '{ exit !($1 >= 0 && $1 < 1e-3) }' || fail "merge error: $(cat out)"
evaluate merged --model.path merged
close loss 1e-4 tuned.json merged.json
says merged/config.json '"tie_word_embeddings": false'
run 0 generate "${tuned[@]}" --model.dtype fp32 --prompt '<|ask|> What is 3 plus 9?' --max_new_tokens 8
cp out unmerged.answer
run 0 generate --model.path merged --model.dtype fp32 --prompt '<|ask|> What is 3 plus 9?' --max_new_tokens 8
same out unmerged.answer
run 2 evaluate "${tuned[@]}" --model.dtype fp32 --data.eval held-out.jsonl --compare true
says err 'error\[US076\]'

# Going on from it starts where it ended.
run 0 train --config chat.cfg --data.train held-out.jsonl --adapter.type lora --adapter.init straight/adapter \
  --train.steps 1 --data.shuffle false --run.dir onward
close loss 1e-6 tuned.json onward/metrics.jsonl
there onward/adapter/tokenizer.json

# All weights: the model's folder has the rows and the tokenizer.
run 0 "${job[@]}" --optim.lr 0.001 --train.steps 4 --run.dir full
run 0 inspect tokens --model.path full/model --input line --special false
same out new-token
evaluate full --model.path full/model
finish
