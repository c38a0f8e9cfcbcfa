#!/usr/bin/env bash
# hone report --watch: the page of a running run is written again while it goes and ends with the run; and the event
# files of a run that was stopped and resumed.
source "$(dirname "$0")/lib.sh"

grid=(--config chat.cfg --config lora.cfg --train.save_every 500 --run.dir r)
"$HONE" train "${grid[@]}" --train.steps 5000 2> train.err &
training=$!
for _ in $(seq 1000); do [ -e r/status.json ] && break; sleep 0.02; done
"$HONE" report r --watch --every_s 0.2 --output live.html > watched 2> err &
watching=$!
wait_for_rows 2 r/metrics.jsonl
for _ in $(seq 500); do grep -q '<svg' live.html 2> grep.err && break; sleep 0.02; done
says live.html 'http-equiv="refresh" content="1"'
kill -USR1 $training
wait $training
expect_code 75 $? "stopped by USR1"
for _ in $(seq 500); do kill -0 $watching 2> kill.err || break; sleep 0.02; done
wait $watching || fail "the watcher: $(cat err)"
says watched '{"report":"live.html"}'
silent live.html 'http-equiv="refresh"'
says live.html 'stopped'

ls r/tensorboard > first
[ "$(wc -l < first)" -eq 1 ] || fail "one event file: $(cat first)"
steps=$(($(grep -c '"kind":"train"' r/metrics.jsonl) + 5))
run 0 train "${grid[@]}" --train.steps $steps
ls r/tensorboard > both
[ "$(wc -l < both)" -eq 2 ] || fail "a resumed run has an event file of its own: $(cat both)"
for file in r/tensorboard/*; do
  says "$file" 'brain.Event:2'
  says "$file" 'train/learning_rate'
  says "$file" 'train/grad_norm'
done
[ "$(grep -c '"kind":"train"' r/metrics.jsonl)" -eq $steps ] || fail "one row a step"

# Several runs on one page; runs of one name are told apart by their paths.
mkdir other && cp -r r other/
run 0 report r other/r --output both.html
says both.html '2 runs side by side'
says both.html 'other/r'
finish
