#!/usr/bin/env bash
# A rank, all ranks or the launcher killed at any moment: the same command again ends with the checkpoints and the
# weights of a run that nothing happened to.
#
#   random_kills_test.sh HONE GOLDEN [COUNT [SEED]]
source "$(dirname "$0")/fault_lib.sh"
count=${3:-5}
RANDOM=${4:-1}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
began=$(milliseconds)
run_straight --train.steps 60
whole=$(($(milliseconds) - began))

for ((kill = 1; kill <= count; ++kill)); do
  # Who: rank 0, rank 1, both or the launcher; when: any millisecond of the straight run. Where the
  # kill came too late (a rank on its way out can still be killed), the run has ended like the straight one, and another
  # is killed after half the delay.
  who=$((RANDOM % 4)) delay=$((RANDOM * whole / 32768))
  while true; do
    start_ranks 2 train "${job[@]}"
    sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
    case $who in
      [01]) victims=$(rank_pid $who 2> /dev/null) ;;
      2) victims=$(rank_pid 0 2> /dev/null; rank_pid 1 2> /dev/null) ;;
      3) victims=$LAUNCHER ;;
    esac
    [ -n "$victims" ] || victims=$LAUNCHER # no rank yet
    # shellcheck disable=SC2086
    kill -KILL $victims 2> /dev/null
    launcher_ends
    [ "$ENDED" -ne 0 ] && break
    ended_like_straight
    rm -rf run hone-cache
    delay=$((delay / 2))
  done
  what="kill $kill, of $who after $delay ms"
  expect_code 137 "$ENDED" "$what"
  none_left "$what"
  goes_on "$what"
done
echo "killed at random and gone on, bit for bit: $PASSED of $count"
finish
