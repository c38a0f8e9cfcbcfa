#!/usr/bin/env bash
# An error code goes with one exit code: a script that reads either must be able to rely on it.
#
#   tests/check_error_codes.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

mapfile -d '' -t files < <(find core data dist checkpoint launcher \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' \) -print0)
uses=$(cat "${files[@]}" | tr -s ' \n' ' ' | grep -oE 'Exit::[a-z_]+, ?"[A-Z]{2}[0-9]{3}"' | tr -d ' "' | sort -u)
clashes=$(awk -F, '$2 in exit_of { print $2 ": " exit_of[$2] " and " $1 } { exit_of[$2] = $1 }' <<<"$uses")
(($(wc -l <<<"$uses") > 100)) || { echo "few codes were found: $uses"; exit 1; }
[[ -z $clashes ]] || { echo "$clashes"; exit 1; }
