# What the end-to-end tests share. A test is a bash script that begins with
#   source "$(dirname "$0")/lib.sh"
# and is called with the hone binary and the folder of golden files. It works in a temporary folder of its own,
# in which chat.cfg names the tiny model and rows.jsonl holds chats; the last line of every test is `finish`.
set -u
HONE=$(realpath "$1")
GOLDEN=$(realpath "$2")
CHAT=$GOLDEN/e2e/tiny_chat
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1
export LC_ALL=C OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMP_WAIT_POLICY=passive  # threads that spin starve one another where the machine is shared
LIMIT=${HONE_TEST_LIMIT:-60}  # seconds for one command; a busy machine needs more
FAILED=0

fail() {
  FAILED=$((FAILED + 1))
  echo "FAILED: $*"
}

finish() {
  if [ "$FAILED" -gt 0 ]; then
    echo "$FAILED failed"
    exit 1
  fi
  echo "passed"
  exit 0
}

# chats N > FILE: N rows of short chats of different lengths.
chats() {
  awk -v n="$1" 'BEGIN {
    for (i = 1; i <= n; ++i) {
      more = ""
      for (k = 0; k < i % 5; ++k) more = more " and " (i * k)
      printf "{\"messages\":[{\"role\":\"user\",\"content\":\"What is %d plus %d%s?\"},", i, 3 * i, more
      printf "{\"role\":\"assistant\",\"content\":\"It is %d.\"}]}\n", 4 * i
    }
  }'
}

expect_code() { # WANTED GOT WHAT...
  local wanted=$1 got=$2
  shift 2
  [ "$got" -eq "$wanted" ] && return 0
  fail "exit code $got, not $wanted: $*"
  tail -n 5 err
}

# run CODE ARGS...: hone with this exit code; standard output and error are left in the files out and err.
run() {
  local wanted=$1
  shift
  timeout "$LIMIT" "$HONE" "$@" > out 2> err
  expect_code "$wanted" $? "hone $*"
}

# run_ranks N CODE ARGS...: the same under mpirun.
run_ranks() {
  local ranks=$1 wanted=$2
  shift 2
  timeout "$LIMIT" mpirun --oversubscribe -n "$ranks" "$HONE" "$@" > out 2> err
  expect_code "$wanted" $? "mpirun -n $ranks hone $*"
}

same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }
says() { grep -q -e "$2" "$1" || fail "$1 does not say \"$2\": $(head -c 300 "$1")"; }
silent() { ! grep -q -e "$2" "$1" || fail "$1 says \"$2\": $(grep -m 1 -e "$2" "$1")"; }
there() { for path in "$@"; do [ -e "$path" ] || fail "$path is missing"; done; }

# one_error FILE: exactly one line that begins "error[".
one_error() {
  local lines
  lines=$(grep -c '^error\[' "$1")
  [ "$lines" -eq 1 ] || fail "$lines error lines: $(cat "$1")"
}

# value KEY FILE: the number at this key of every JSON line.
value() { grep -o "\"$1\":[-+0-9.e]*" "$2" | cut -d: -f2; }

# train_values FILE: what a run's metrics must repeat bit for bit: not the times.
train_values() { grep '"kind":"train"' "$1" | sed 's/,"seconds".*//'; }
same_training() { [ "$(train_values "$1")" = "$(train_values "$2")" ] || fail "$1 and $2 tell of different training"; }

# close KEY TOLERANCE A B: the key's values agree, relative to their size, in every line.
close() {
  value "$1" "$3" > a.values
  value "$1" "$4" > b.values
  paste a.values b.values | awk -v t="$2" '
    NF != 2 { bad = 1 }
    { d = $1 - $2; if (d < 0) d = -d; s = $2 < 0 ? -$2 : $2; if (d > t * s) { bad = 1; print NR ": " $1 " and " $2 } }
    END { exit bad || NR == 0 }' || fail "$1 of $3 and $4 differ by more than $2"
}

chats 20 > rows.jsonl
cat > chat.cfg << CFG
[model]
path = $CHAT
dtype = fp32
[data]
train = rows.jsonl
[train]
batch_size = 6
micro_tokens = 256
[optim]
lr = 0.01
CFG
cat > lora.cfg << CFG
[adapter]
type = lora
rank = 4
alpha = 8
CFG

# asked_rows: asked.jsonl, rows.jsonl with two tokens that the model does not have, and held-out.jsonl, its first rows.
asked_rows() {
  sed 's/What is/<|ask|> What is/; s/It is/<|reply|> It is/' rows.jsonl > asked.jsonl
  head -n 6 asked.jsonl > held-out.jsonl
}

# evaluate NAME ARGS...: what evaluating on held-out.jsonl prints, as NAME.json.
evaluate() {
  local name=$1
  shift
  run 0 evaluate --model.dtype fp32 --data.eval held-out.jsonl "$@"
  cp out "$name.json"
}

# wait_for_rows N FILE: until the file has that many lines, or the limit has passed.
wait_for_rows() {
  for _ in $(seq $((LIMIT * 50))); do
    [ -f "$2" ] && [ "$(wc -l < "$2")" -ge "$1" ] && return 0
    sleep 0.02
  done
  fail "$2 did not reach $1 rows"
}

# children PID: the ranks that a launcher has started, one a line.
children() { cat /proc/"$1"/task/*/children 2> /dev/null | tr -s ' ' '\n'; }

# Ranks under a launcher that a test has started in the background: start_ranks N ARGS..., then $LAUNCHER is its process.
start_ranks() {
  local ranks=$1
  shift
  mpirun --oversubscribe -n "$ranks" "$HONE" "$@" > out 2> err &
  LAUNCHER=$!
}

# launcher_ends: waits for the launcher started last, within the limit; $ENDED is then its exit code.
launcher_ends() {
  for _ in $(seq $((LIMIT * 50))); do
    kill -0 "$LAUNCHER" 2> /dev/null || break
    sleep 0.02
  done
  kill -KILL "$LAUNCHER" 2> /dev/null
  wait "$LAUNCHER" 2> /dev/null
  ENDED=$?
}

# end_ranks CODE WHAT...: the launcher started last must end with this code, within the limit, and leave no rank.
end_ranks() {
  local wanted=$1
  shift
  launcher_ends
  expect_code "$wanted" "$ENDED" "$*"
  none_left "$*"
}

# The processes of this test's hone, one a line.
hones() {
  local process
  for process in /proc/[0-9]*; do
    [ "$(readlink "$process/cwd")" = "$WORK" ] && [ "$(readlink "$process/exe")" = "$HONE" ] && echo "${process#/proc/}"
  done 2> /dev/null
}

# none_left WHAT...: no process of this test's hone is there, at the latest after ten seconds: where the launcher was
# killed, ranks need some to notice.
none_left() {
  for _ in $(seq 500); do
    [ -z "$(hones)" ] && return
    sleep 0.02
  done
  fail "$(hones | wc -l) ranks left: $*"
  # shellcheck disable=SC2046
  kill -KILL $(hones)
}

# rank_pid N: the process of this rank of the launcher started last.
rank_pid() {
  local process
  for process in $(children "$LAUNCHER"); do
    grep -qszx "OMPI_COMM_WORLD_RANK=$1" "/proc/$process/environ" && echo "$process"
  done
}

# wait_until_stopped PID: until the process is stopped by a signal, or the limit has passed.
wait_until_stopped() {
  for _ in $(seq $((LIMIT * 50))); do
    grep -q '^State:.T' "/proc/$1/status" 2> /dev/null && return
    sleep 0.02
  done
  fail "process $1 did not stop"
}

# The step of a run's newest checkpoint, of its last metrics row; 0: none.
newest_checkpoint() { find "$1/checkpoints" -maxdepth 1 -name 'step-????????' 2> /dev/null | sort | tail -n 1 | sed 's/.*step-0*//;s/^$/0/' | grep . || echo 0; }
last_step() { { value step "$1/metrics.jsonl" 2> /dev/null || true; } | tail -n 1 | grep . || echo 0; }
