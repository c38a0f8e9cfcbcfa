#!/usr/bin/env bash
# Puts two evaluations of the same rows side by side, beside always giving the commonest answer.
#
#   scripts/compare.sh BASE TUNED COMPARISON.json
#
# BASE and TUNED name the outputs of `hone evaluate --generate true`: NAME.json and, per example, NAME.jsonl. Prints
# a table and three answers; writes what the report shows of them.
set -euo pipefail
export LC_ALL=C

(($# == 3)) || { echo "usage: $0 BASE TUNED COMPARISON.json" >&2; exit 2; }
base=$1 tuned=$2 out=$3

awk -v out="$out.part" '
  # The value of a key of one of our own flat JSON lines: the text between its quotes (still escaped), or the number.
  function value(line, key,    at, rest, i, c) {
    at = index(line, "\"" key "\":")
    if (!at) return ""
    rest = substr(line, at + length(key) + 3)
    sub(/^ +/, "", rest)
    if (substr(rest, 1, 1) != "\"") { match(rest, /^[-+0-9.eE]+/); return substr(rest, 1, RLENGTH) }
    for (i = 2; (c = substr(rest, i, 1)) != "\""; ++i) { if (c == "") return ""; if (c == "\\") ++i }
    return substr(rest, 2, i - 2)
  }
  function plain(text) { gsub(/\\[nrt]/, " ", text); gsub(/\\"/, "\"", text); gsub(/\\\\/, "\\", text); return text }
  function words(text, list) { text = tolower(plain(text)); gsub(/[^a-z0-9]+/, " ", text); return split(text, list, " ") }
  function rouge_l(a, b,    m, n, x, y, i, j, row, diagonal, above) {
    m = words(a, x); n = words(b, y)
    if (!m || !n) return 0
    for (i = 1; i <= m; ++i) {
      diagonal = 0
      for (j = 1; j <= n; ++j) {
        above = row[j] + 0
        if (x[i] == y[j]) row[j] = diagonal + 1
        else if (row[j - 1] + 0 > above) row[j] = row[j - 1]
        else row[j] = above
        diagonal = above
      }
    }
    return row[n] ? 2 * row[n] / (m + n) : 0
  }
  function scores(name, line) {
    return sprintf("{\"name\": \"%s\", \"loss\": %s, \"exact_match\": %s, \"rouge_l\": %s}", name,
                   value(line, "loss"), value(line, "exact_match"), value(line, "rouge_l"))
  }
  function show(name, loss, exact, rouge) { printf "  %-34s %8s %12.3f %9.3f\n", name, loss, exact, rouge }
  FNR == 1 { ++file }
  file == 1 { base_scores = $0 }
  file == 2 { tuned_scores = $0 }
  file == 3 { prompt[FNR] = value($0, "prompt"); expected[FNR] = value($0, "expected"); base[FNR] = value($0, "answer")
              if (++count[expected[FNR]] > count[commonest]) commonest = expected[FNR]
              rows = FNR }
  file == 4 { tuned[FNR] = value($0, "answer") }
  END {
    for (i = 1; i <= rows; ++i) { exact += (expected[i] == commonest); rouge += rouge_l(expected[i], commonest) }
    printf "{\"examples\": %d, \"rows\": [%s, ", rows, scores("base model", base_scores) >out
    printf "{\"name\": \"always “%s”\", \"exact_match\": %.6f, \"rouge_l\": %.6f}, ", commonest, exact / rows, rouge / rows >out
    printf "%s], \"samples\": [", scores("tuned model", tuned_scores) >out
    printf "\n  %-34s %8s %12s %9s\n", rows " held-out rows", "loss", "exact match", "ROUGE-L"
    show("base model", sprintf("%.3f", value(base_scores, "loss")), value(base_scores, "exact_match"), value(base_scores, "rouge_l"))
    show("always \"" plain(commonest) "\"", "-", exact / rows, rouge / rows)
    show("tuned model", sprintf("%.3f", value(tuned_scores, "loss")), value(tuned_scores, "exact_match"), value(tuned_scores, "rouge_l"))
    for (i = 1; i <= 12 && i <= rows; ++i) {
      printf "%s{\"prompt\": \"%s\", \"expected\": \"%s\", \"base\": \"%s\", \"tuned\": \"%s\"}", (i > 1 ? ", " : ""),
             prompt[i], expected[i], base[i], tuned[i] >out
      if (i > 3) continue
      printf "\n  %s\n", plain(prompt[i])
      printf "    expected  %s\n    base      %.70s\n    tuned     %.70s\n", plain(expected[i]), plain(base[i]), plain(tuned[i])
    }
    print "]}" >out
    print ""
  }' "$base.json" "$tuned.json" "$base.jsonl" "$tuned.jsonl"
mv "$out.part" "$out"
