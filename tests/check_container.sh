#!/usr/bin/env bash
# check_container.sh ROOT: the container definitions build from one script, which takes its packages from one list, and
# the documentation shows that list. (Building an image needs a container engine and is no part of the tests.)
set -u
cd "$1" || exit 1
failed=0
fail() { failed=1; echo "FAILED: $*"; }

bash -n cluster/image.sh || fail "cluster/image.sh does not parse"
[ -x cluster/image.sh ] || fail "cluster/image.sh cannot be run"
awk '/^%/ { section = $1 } section == "%post" && !/^%/' cluster/hone.def | bash -n || fail "%post does not parse"
for step in scripts/setup.sh 'cmake --preset release' 'cmake --build build' 'cmake --install build'; do
  grep -q -e "$step" cluster/image.sh || fail "cluster/image.sh lacks $step"
done
for file in cluster/hone.def cluster/Containerfile; do
  grep -q '/opt/hone/cluster/image.sh' "$file" || fail "$file does not run cluster/image.sh"
  grep -q 'apt-get\|pip install\|://' "$file" && fail "$file brings something by itself"
done
known='^(FROM|ARG|COPY|RUN|WORKDIR|ENTRYPOINT) '
grep -v '^#' cluster/Containerfile | grep -E -v "$known" && fail "not understood in cluster/Containerfile"
[ "$(sed -n 's/^From: //p' cluster/hone.def)" = "$(sed -n 's/^FROM //p' cluster/Containerfile)" ] ||
  fail "the two images begin differently"

listed=$(sed -n '/^packages=(/,/)$/p' scripts/setup.sh | sed 's/packages=(//; s/)//' | tr -s ' \n' '\n\n' | sort)
[ "$(echo "$listed" | wc -l)" -gt 10 ] || fail "no list of packages in scripts/setup.sh"
shown=$(sed -n '/^| packages | for |/,/^$/p' docs/installing.md | sed -n 's/^| `\([^`]*\)` |.*/\1/p' | tr ' ' '\n' | sort)
[ "$listed" = "$shown" ] || fail "docs/installing.md and scripts/setup.sh list different packages:
$(diff <(echo "$listed") <(echo "$shown"))"
exit "$failed"
