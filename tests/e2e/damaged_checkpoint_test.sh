#!/usr/bin/env bash
# A damaged checkpoint is named and passed over for the one before it; nothing that is good is lost.
source "$(dirname "$0")/lib.sh"

job=(--config chat.cfg --config lora.cfg --schedule.name constant --train.save_every 2 --train.keep 10)
run 0 train "${job[@]}" --train.steps 8 --run.dir straight
run 0 train "${job[@]}" --train.steps 6 --run.dir base
newest=checkpoints/step-00000006

flip() { # FILE OFFSET: one bit of one byte
  local byte
  byte=$(dd if="$1" bs=1 skip="$2" count=1 status=none | od -An -tu1 | tr -d ' ')
  # shellcheck disable=SC2059
  printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" count=1 conv=notrunc status=none
}

damage() { # KIND CHECKPOINT; prints the file that an error should name
  local file=$2/rank-00000-00000.h5
  case $1 in
    bit) flip "$file" $(($(stat -c %s "$file") / 2)) ;;
    header) flip "$file" 0 ;;
    short) truncate -s -100 "$file" ;;
    empty) truncate -s 0 "$file" ;;
    gone) rm "$file" ;;
    manifest) file=$2/manifest.json && flip "$file" 40 ;;
    manifest-short) file=$2/manifest.json && truncate -s 200 "$file" ;;
    manifest-gone) file=$2/manifest.json && rm "$file" ;;
    foreign) file=$2/notes.txt && echo hello > "$file" ;;
  esac
  basename "$file"
}

for kind in bit header short empty gone manifest manifest-short manifest-gone foreign; do
  cp -r base $kind
  run 0 inspect checkpoint $kind/$newest
  file=$(damage $kind $kind/$newest)
  run 4 inspect checkpoint $kind/$newest
  one_error err
  says err "$file"
  [ -s out ] && fail "a damaged checkpoint is described: $(cat out)"

  run 0 train "${job[@]}" --train.steps 8 --run.dir $kind
  says err "warning.*$file"
  says err "going on from .*step-00000004"
  same_training straight/metrics.jsonl $kind/metrics.jsonl
  same straight/adapter/adapter_model.safetensors $kind/adapter/adapter_model.safetensors
  run 0 inspect checkpoint $kind/checkpoints/step-00000008
  same base/checkpoints/step-00000002/rank-00000-00000.h5 $kind/checkpoints/step-00000002/rank-00000-00000.h5
done

# Asked for by name, a damaged checkpoint is refused: nothing else was meant.
cp -r base named
flip named/$newest/rank-00000-00000.h5 5000
run 4 train "${job[@]}" --train.steps 8 --train.resume named/$newest --run.dir other
one_error err
says err "$newest/rank-00000-00000.h5"
cp -r base foreigner
echo hello > foreigner/$newest/notes.txt
run 4 train "${job[@]}" --train.steps 8 --train.resume foreigner/$newest --run.dir other
one_error err
says err "$newest/notes.txt"

# Where all are damaged, nothing is begun over them; nor are a run's own written over for another run's.
cp -r base lost
for folder in lost/checkpoints/step-*; do flip $folder/rank-00000-00000.h5 5000; done
cp -r lost lost.before
run 4 train "${job[@]}" --train.steps 8 --run.dir lost
one_error err
says err 'error\[CK016\]'
diff -r lost.before/checkpoints lost/checkpoints || fail "damaged checkpoints were touched"
same lost.before/metrics.jsonl lost/metrics.jsonl
run 2 train "${job[@]}" --train.steps 8 --train.resume straight/checkpoints/step-00000002 --run.dir base
says err 'error\[US021\]'
there base/$newest

# What a killed save leaves behind is removed, what is not ours is left alone.
cp -r base leftover
mkdir leftover/checkpoints/step-00000007.tmp leftover/checkpoints/mine
run 0 train "${job[@]}" --train.steps 8 --run.dir leftover
there leftover/checkpoints/mine
[ -e leftover/checkpoints/step-00000007.tmp ] && fail "a torn save is left behind"
same straight/adapter/adapter_model.safetensors leftover/adapter/adapter_model.safetensors
finish
