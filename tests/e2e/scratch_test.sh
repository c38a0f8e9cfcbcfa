#!/usr/bin/env bash
# A model from its config alone, on plain text in chunks, with every shape of the loss: learns, resumes bit for bit, does
# not depend on cuts and ranks.
source "$(dirname "$0")/lib.sh"

mkdir untrained
cp "$CHAT"/config.json "$CHAT"/tokenizer.json "$CHAT"/tokenizer_config.json untrained/
awk 'BEGIN { for (d = 1; d <= 8; ++d) { text = ""
  for (i = 1; i <= 12 * d; ++i) text = text i " and " i + d " are " 2 * i + d ". "
  printf "{\"text\":\"%s\"}\n", text } }' > texts.jsonl
job=(train --config chat.cfg --model.path untrained --model.init random --data.train texts.jsonl --data.max_length 48
  --data.chunk true --data.chunk_overlap 8 --train.batch_size 8 --objective.label_smoothing 0.1 --objective.z_loss 1e-4
  --train.neftune_noise_alpha 5 --train.steps 30)

run 0 "${job[@]}" --run.dir straight
value loss straight/metrics.jsonl | awk 'NR == 1 { first = $1 } { last = $1 } END { exit !(last < first - 0.3) }' ||
  fail "nothing was learnt: $(value loss straight/metrics.jsonl | tr '\n' ' ')"
run 0 "${job[@]}" --train.save_every 10 --run.dir pieces
rm -r pieces/checkpoints/step-00000030 pieces/checkpoints/step-00000020 pieces/model
run 0 "${job[@]}" --train.save_every 10 --run.dir pieces
same_training straight/metrics.jsonl pieces/metrics.jsonl
same straight/model/model.safetensors pieces/model/model.safetensors
short=("${job[@]}" --train.steps 10 --optim.lr 0.001)
run 0 "${short[@]}" --run.dir short
run 0 "${short[@]}" --train.micro_tokens 96 --run.dir small
run_ranks 2 0 "${short[@]}" --run.dir ranks
for other in small ranks; do close loss 1e-5 short/metrics.jsonl $other/metrics.jsonl; done

# Every chunk counts for its row: as many targets as the whole rows have.
scores=(evaluate --model.path straight/model --model.dtype fp32 --data.eval texts.jsonl)
run 0 "${scores[@]}" --data.max_length 4096 --train.micro_tokens 4096 --per_example whole.jsonl
run 0 "${scores[@]}" --data.max_length 48 --data.chunk true --data.chunk_overlap 8 --per_example chunks.jsonl
value tokens whole.jsonl > whole.tokens
value tokens chunks.jsonl > chunks.tokens
same whole.tokens chunks.tokens

# What is asked of the model afterwards is asked of its weights, though the run's config says that it began with none.
run 0 "${scores[@]}" --data.max_length 4096 --train.micro_tokens 4096
cp out of-weights
run 0 evaluate --config straight/config.cfg --model.path straight/model --data.eval texts.jsonl --data.max_length 4096 \
  --data.chunk false --data.chunk_overlap 0 --train.micro_tokens 4096
close loss 1e-6 of-weights out

# Not over what needs weights.
for more in "--adapter.type lora" "--model.quantize nf4"; do
  # shellcheck disable=SC2086
  run 2 "${job[@]}" $more --run.dir refused
  one_error err
done
run 2 "${job[@]}" --data.truncation_side left --run.dir refused
says err 'error\[US072\]'
run 2 "${job[@]}" --data.chunk_overlap 48 --run.dir refused
says err 'error\[US071\]'
run 2 "${job[@]}" --data.chunk false --run.dir refused
says err 'error\[US070\]'
finish
