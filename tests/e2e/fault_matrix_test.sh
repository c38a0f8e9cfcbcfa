#!/usr/bin/env bash
# A rank, or all, killed at any of 24 points in a run's life: the same command again ends with the checkpoints and the
# weights of a run that nothing happened to.
#
#   fault_matrix_test.sh HONE GOLDEN [TURN]
#
# TURN 0, 1 or 2: every point once, each with one of the three victims, who change places from turn to turn; all: 72.
source "$(dirname "$0")/fault_lib.sh"
turn=${3:-0}

# A point (core/base/fault_point.h), the pass that is the last one's, and whether only rank 0 comes by. Steps fail in
# step 8, saves in the fourth, of step 8, which removes the second, of step 4.
points='
start                      1
start.folder               1
start.data                 1
start.model                1
step.data                  8
step.forward               8
step.reduce                8
step.optimizer             8
step.done                  8
evaluate                   2
save.begin                 4
save.folder                4
save.image                 4
file.write@/rank-          8
file.fsync@/rank-          4
file.rename@/rank-         4
save.written               4
file.write@/manifest.json  4 leader
save.publish               4 leader
save.published             4 leader
save.retain                2 leader
save.remove                2 leader
file.fsync@/adapter_model  1 leader
close                      1
'

# Every rank comes by: the victim kills itself.
kill_itself() { # POINT PASS VICTIM
  export HONE_FAIL_AT=$1:$3:$2
  start_ranks 2 train "${job[@]}"
  unset HONE_FAIL_AT
}

# Only rank 0 does: it stops there, and then the victim is killed.
kill_at_leaders() { # POINT PASS VICTIM
  local leader victims=$3
  export HONE_FAIL_AT=$1:0:$2:stop
  start_ranks 2 train "${job[@]}"
  unset HONE_FAIL_AT
  for _ in $(seq $((LIMIT * 50))); do
    leader=$(rank_pid 0)
    [ -n "$leader" ] && break
    sleep 0.02
  done
  wait_until_stopped "$leader"
  if [ "$victims" = all ]; then victims=$(children "$LAUNCHER"); else victims=$(rank_pid "$victims"); fi
  # shellcheck disable=SC2086
  kill -KILL $victims
}

run_straight --train.steps 12
number=0 cases=0
while read -r point pass leader <&3; do
  [ -n "$point" ] || continue
  position=0
  for victim in 0 1 all; do
    if [ "$turn" = all ] || [ $(((number + position) % 3)) -eq "$turn" ]; then
      cases=$((cases + 1))
      if [ -n "$leader" ]; then kill_at_leaders "$point" "$pass" "$victim"; else kill_itself "$point" "$pass" "$victim"; fi
      end_ranks 137 "rank $victim killed at $point"
      goes_on "rank $victim killed at $point"
    fi
    position=$((position + 1))
  done
  number=$((number + 1))
done 3<<< "$points"  # mpirun reads standard input
[ $number -eq 24 ] || fail "$number points, not 24"
echo "killed at a point and gone on, bit for bit: $PASSED of $cases"
finish
