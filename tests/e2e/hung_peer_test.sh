#!/usr/bin/env bash
# A rank that hangs in any phase: the others end after dist.timeout_s with 5 and one line that says who waited for
# whom, in which phase, at which collective; no rank stays; the same command goes on as if nothing had happened.
source "$(dirname "$0")/fault_lib.sh"
run_straight --train.steps 12 --dist.timeout_s 3

# hung POINT RANK PASS WAITING PHASE: this rank stops at this point; rank WAITING says so.
hung() {
  local what="rank $2 hangs at $1"
  export HONE_FAIL_AT=$1:$2:$3:stop
  start_ranks 2 train "${job[@]}"
  unset HONE_FAIL_AT
  end_ranks 5 "$what"
  one_error err
  says err "error\[MP005\].*: rank $4 on $(hostname): .*, number [0-9]*, phase $5, waited 3 s for rank $2 on $(hostname)"
  says run/status.json '"exit_code": 5'
  goes_on "$what"
}

hung start.folder 1 1 0 start-up
hung step.data 1 8 0 step
hung step.forward 0 8 1 forward+backward
hung evaluate 1 2 0 evaluate
hung file.fsync@/rank- 1 4 0 "[a-z+]*"  # written beside the steps, wherever they are
hung save.publish 0 4 1 checkpoint

# At the end MPI itself waits, three times as long.
export HONE_FAIL_AT=close:1:1:stop
start_ranks 2 train "${job[@]}"
unset HONE_FAIL_AT
end_ranks 5 "rank 1 hangs at its end"
one_error err
says err "error\[MP020\].*: rank 0 on $(hostname): MPI_Finalize, waited 9 s"
goes_on "rank 1 hangs at its end"

# Two that wait: still one line.
HONE_FAIL_AT=step.forward:2:8:stop start_ranks 3 train "${job[@]}"
end_ranks 5 "one of three ranks hangs"
one_error err
says err 'for rank 2 on'
finish
