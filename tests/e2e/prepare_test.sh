#!/usr/bin/env bash
# hone prepare: any number of ranks writes the same bytes, and training on them is training on the raw file.
source "$(dirname "$0")/lib.sh"

chats 6000 > many.jsonl  # several shards
for ranks in 1 2 3; do
  run_ranks $ranks 0 prepare --model.path "$CHAT" --data.train many.jsonl --output prepared$ranks
  cp out report$ranks.json
done
[ "$(ls prepared1/*.h5 | wc -l)" -ge 3 ] || fail "fewer shards than ranks: $(ls prepared1)"
for ranks in 2 3; do
  diff -r prepared1 prepared$ranks || fail "$ranks ranks prepare other bytes than one"
  same report1.json report$ranks.json
done
run 0 inspect data prepared1
says out '"rows":6000'
says out '"verified":true'

job=(--config chat.cfg --config lora.cfg --train.steps 6)
run 0 prepare --config chat.cfg --output rows
run 0 train "${job[@]}" --run.dir raw
run 0 train "${job[@]}" --data.train rows --run.dir from-prepared
same_training raw/metrics.jsonl from-prepared/metrics.jsonl
same raw/adapter/adapter_model.safetensors from-prepared/adapter/adapter_model.safetensors

# A second run on the same rows reads what the first one prepared; changed rows are prepared anew.
[ "$(ls hone-cache | wc -l)" -eq 1 ] || fail "cache: $(ls hone-cache)"
run 0 train "${job[@]}" --run.dir cached
same_training raw/metrics.jsonl cached/metrics.jsonl
[ "$(ls hone-cache | wc -l)" -eq 1 ] || fail "the cache is not used again: $(ls hone-cache)"
chats 21 > rows.jsonl
run 0 train "${job[@]}" --run.dir changed
[ "$(ls hone-cache | wc -l)" -eq 2 ] || fail "changed rows are not prepared anew: $(ls hone-cache)"
[ "$(train_values raw/metrics.jsonl)" != "$(train_values changed/metrics.jsonl)" ] || fail "changed rows change nothing"

# In the file's order, two files read as one.
head -n 8 rows.jsonl > a.jsonl
tail -n +9 rows.jsonl > b.jsonl
run 0 train "${job[@]}" --data.shuffle false --run.dir whole
run 0 train "${job[@]}" --data.shuffle false --data.train a.jsonl,b.jsonl --run.dir halves
same_training whole/metrics.jsonl halves/metrics.jsonl
finish
