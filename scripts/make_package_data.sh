#!/usr/bin/env bash
# Makes rows from the machine's own package index: from a package's name and one-line description, answer with its
# archive section.
#
#   scripts/make_package_data.sh FOLDER      writes train.jsonl (1280 rows), validation.jsonl (200), test.jsonl (600)
#
# A hash of the name decides which split a package belongs to and where in it, so the rows change only as the index
# does. A component prefix such as universe/ is stripped from sections.
set -euo pipefail
HONE_SCRIPT=make_package_data
source "$(dirname "$0")/lib.sh"
export LC_ALL=C

(($# == 1)) || { echo "usage: $0 FOLDER" >&2; exit 2; }
out=$1
mkdir -p "$out"
if [[ -e $out/test.jsonl && -e $out/train.jsonl && -e $out/validation.jsonl ]]; then exit 0; fi
work=$(mktemp -d "$out/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT

packages_known() {
  command -v apt-cache >/dev/null && [[ $(apt-cache "$@" dumpavail 2>/dev/null | grep -c '^Package:') -ge 5000 ]]
}

# An index of our own where the machine has none: needs no root and leaves the system's alone.
apt_options=()
if ! packages_known && command -v apt-get >/dev/null; then
  apt_options=(-o "Dir::State=$work/state" -o "Dir::Cache=$work/cache")
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
  step "package index" "$work/apt-update.log" apt-get -q "${apt_options[@]}" update || true
fi
if ! packages_known "${apt_options[@]}"; then
  die "no package index on this machine (apt-cache dumpavail is empty). Any JSON Lines file with rows such as
  {\"messages\": [{\"role\": \"user\", \"content\": \"...\"}, {\"role\": \"assistant\", \"content\": \"...\"}]}
does as well:  scripts/quickstart.sh --train FILE.jsonl --eval FILE.jsonl"
fi

# One line a package: split, place in it, name, row. Lines that are not UTF-8 are dropped.
rows() {
  apt-cache "${apt_options[@]}" dumpavail | awk '
    BEGIN { for (i = 1; i < 256; ++i) code[sprintf("%c", i)] = i }
    function hash(text, factor,    i, h) {
      h = 17
      for (i = 1; i <= length(text); ++i) h = (h * factor + code[substr(text, i, 1)]) % 2147483647
      return (h * 48271) % 2147483647
    }
    function quoted(text) {
      gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\t/, "\\t", text); gsub(/[\001-\037\177]/, "", text)
      return text
    }
    function emit(    question, part) {
      sub(/^.*\//, "", section)
      if (name == "" || description == "" || section == "" || name in seen) return
      seen[name] = 1
      part = hash(name, 65599) % 10
      question = "Package: " quoted(name) "\\nDescription: " quoted(description) "\\nSection?"
      printf "%s\t%d\t%s\t", part < 8 ? "train" : part < 9 ? "validation" : "test", hash(name, 16807), name
      printf "{\"messages\": [{\"role\": \"user\", \"content\": \"%s\"}, ", question
      printf "{\"role\": \"assistant\", \"content\": \"%s\"}]}\n", quoted(section)
    }
    /^$/ { emit(); name = description = section = "" }
    /^Package: / { name = substr($0, 10) }
    /^Section: / { section = substr($0, 10) }
    /^Description(-en)?: / { description = substr($0, index($0, ": ") + 2) }
    END { emit() }' | iconv -c -f UTF-8 -t UTF-8
}

rows | sort -t "$(printf '\t')" -k1,1 -k2,2n -k3,3 >"$work/rows"
for split in train:1280 validation:200 test:600; do
  name=${split%:*} wanted=${split#*:}
  awk -F '\t' -v split_name="$name" -v wanted="$wanted" \
    '$1 == split_name && ++count <= wanted { print $4 }' "$work/rows" >"$work/$name.jsonl"
  (($(wc -l <"$work/$name.jsonl") == wanted)) || die "the package index is too small for $wanted $name rows"
done
mv "$work"/{train,validation,test}.jsonl "$out/"
say "$(wc -l <"$work/rows") packages known; 1280 + 200 + 600 rows in $out"
