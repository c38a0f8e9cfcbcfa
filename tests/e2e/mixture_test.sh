#!/usr/bin/env bash
# data.weights: inputs drawn from in exact proportion, on any number of ranks, raw or prepared, stopped or not.
source "$(dirname "$0")/lib.sh"

chats 12 > a.jsonl
chats 40 | tail -n 28 > b.jsonl
job=(--config chat.cfg --config lora.cfg --schedule.name constant --train.batch_size 4)
mix=("${job[@]}" --data.train a.jsonl,b.jsonl --data.weights 0.25,0.75)

# An epoch is all of b, in which a has been drawn from a third as often: 37 samples, 10 steps.
run 0 train "${mix[@]}" --train.epochs 2 --run.dir straight
says straight/data.json '"drawn_per_epoch": 9,'
says straight/data.json '"drawn_per_epoch": 28,'
says err 'b.jsonl: 28 of 37 samples of an epoch'
[ "$(grep -c '"kind":"train"' straight/metrics.jsonl)" -eq 20 ] || fail "not 2 epochs of 10 steps"
run_ranks 2 0 train "${mix[@]}" --train.epochs 2 --run.dir two-ranks
close loss 1e-5 straight/metrics.jsonl two-ranks/metrics.jsonl

# Stopped in the second epoch.
run 0 train "${mix[@]}" --train.steps 13 --run.dir stopped
run 0 train "${mix[@]}" --train.steps 20 --run.dir stopped
says err "going on from"
same_training straight/metrics.jsonl stopped/metrics.jsonl

# Each input prepared into a folder of its own.
for input in a b; do run 0 prepare --config chat.cfg --data.train $input.jsonl --output $input; done
run 0 train "${mix[@]}" --data.train a,b --train.epochs 2 --run.dir prepared
same_training straight/metrics.jsonl prepared/metrics.jsonl

# To the end of the last one, and with dealing to folds.
run 0 train "${mix[@]}" --data.mixture_stop all_exhausted --dry-run
says out '"rows":46,'
run 0 train "${mix[@]}" --train.folds 2 --train.epochs 1 --run.dir folds
says folds/fold-1/data.json '"corpora"'

run 2 train "${mix[@]}" --data.weights 1 --run.dir refused
says err 'error\[DS021\]: weights refused: data.weights: 1 weights, data.train has 2 inputs'
run 2 train "${mix[@]}" --data.weights 1,-1 --run.dir refused
one_error err
run 2 train "${mix[@]}" --data.weights 0,0 --run.dir refused
one_error err
run 2 prepare --config chat.cfg --data.weights 1 --output refused
says err 'error\[US085\]'
finish
