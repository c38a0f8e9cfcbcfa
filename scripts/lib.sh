# shellcheck shell=bash
# Shared by the scripts here: messages, progress, fetching wheels. Sourced, not run.

say() { printf '%s: %s\n' "$HONE_SCRIPT" "$*" >&2; }
die() { say "$*"; exit 1; }

# step TITLE LOG COMMAND...: runs the command with its output in LOG and shows how it goes: on a terminal one line
# that changes, elsewhere a line now and then. Where it fails, the end of LOG is shown. The command stays in the
# foreground, so Ctrl-C reaches it.
step() {
  local title=$1 log=$2 status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  set +o errexit
  "$@" 2>&1 </dev/null | tee "$log" | show_progress "$title"
  status=${PIPESTATUS[0]}
  set -o errexit
  if ((status)); then
    say "$title: failed; the end of $log:"
    tail -n 30 "$log" >&2
    return "$status"
  fi
}

show_progress() {
  local title=$1 line last='' rc start=$SECONDS shown=$SECONDS tty=0
  [[ -t 2 ]] && tty=1
  while true; do
    rc=0
    IFS= read -r -t 1 line || rc=$?
    if ((rc == 0)); then last=$line; elif ((rc <= 128)); then break; fi
    if ((tty)); then
      printf '\r\033[K%s: %s (%d s)  %s' "$HONE_SCRIPT" "$title" $((SECONDS - start)) "${last:0:60}" >&2
    elif ((SECONDS - shown >= 20)); then
      say "$title ($((SECONDS - start)) s)  ${last:0:100}"
      shown=$SECONDS
    fi
  done
  ((tty)) && printf '\r\033[K' >&2
  say "$title: $((SECONDS - start)) s"
}

# need_space GIB WHAT: refuses to start what would fill the disk.
need_space() {
  local free
  free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
  ((free >= $1)) || die "$2 needs $1 GiB of disk here, $free GiB are free"
}

# fetch_wheels FOLDER PIP-ARGUMENTS...: wheels for CPython 3.11 on x86-64, whatever Python runs here; nothing is
# installed, so an externally managed Python is no obstacle. Only LibTorch's and data wheels are asked for.
fetch_wheels() {
  local folder=$1 tag platforms=()
  shift
  for tag in manylinux_2_28 manylinux_2_27 manylinux_2_26 manylinux_2_25 manylinux_2_24 manylinux_2_17 \
    manylinux2014 manylinux_2_12 manylinux_2_5 linux; do
    platforms+=(--platform "${tag}_x86_64")
  done
  mkdir -p "$folder/tmp"
  TMPDIR="$PWD/$folder/tmp" python3 -m pip --disable-pip-version-check download --no-cache-dir \
    --only-binary=:all: --python-version 3.11 --implementation cp "${platforms[@]}" -d "$folder" "$@" >&2 ||
    die "pip could not fetch $*: is a package index reachable? (pip's own settings apply: PIP_INDEX_URL, proxies)"
  rm -rf "$folder/tmp"
}
