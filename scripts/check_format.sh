#!/usr/bin/env bash
# Says which files clang-format would change (the style is .clang-format); --fix changes them.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v clang-format >/dev/null; then
  echo "check_format: clang-format is not installed: nothing was checked" >&2
  exit 0
fi
mode=(--dry-run -Werror)
[[ ${1:-} == --fix ]] && mode=(-i)
git ls-files -z '*.h' '*.cpp' '*.cu' '*.cuh' | xargs -0 clang-format "${mode[@]}"
