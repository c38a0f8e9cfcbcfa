#!/usr/bin/env bash
# Answers as a user gets them: streamed, stopped, in a conversation, judged; and texts scored in windows.
source "$(dirname "$0")/lib.sh"

chats 6 > rows.eval.jsonl
model=(--model.path "$CHAT" --model.dtype fp32)
long=(--max_new_tokens 12)
ids_of() { sed 's/.*"ids":\[\([^]]*\)\].*/\1/' "$1"; }
text_of() { sed -n 's/.*"text":\("\(\\.\|[^"\\]\)*"\).*/\1/p' "$1"; }  # with its quotes

# One prompt appears as it is made, and is the text that JSON has.
run 0 generate "${model[@]}" "${long[@]}" --chat true --prompt "What is 3 plus 9?"
cp out streamed
printf '{"prompt":"What is 3 plus 9?"}\n{"prompt":"And 4?"}\n' > prompts.jsonl
run 0 generate "${model[@]}" "${long[@]}" --chat true --input prompts.jsonl
head -n "$(wc -l < streamed)" out > first
same streamed first
run_ranks 2 0 generate "${model[@]}" "${long[@]}" --chat true --prompt "What is 3 plus 9?"
same streamed out

# A stop string ends the text before it and the ids with it; the penalty changes them.
run 0 generate "${model[@]}" "${long[@]}" --chat true --json true --prompt "What is 3 plus 9?"
cp out whole
run 0 generate "${model[@]}" "${long[@]}" --chat true --json true --prompt "What is 3 plus 9?" --stop '\n\n,;;'
silent out ';;'
says whole "$(text_of out | sed 's/"$//');;"
case "$(ids_of whole)" in
  "$(ids_of out),"*) ;;
  *) fail "not the first ids of $(cat whole): $(cat out)" ;;
esac
run 0 generate "${model[@]}" "${long[@]}" --chat true --json true --prompt "What is 3 plus 9?" --repetition_penalty 3
[ "$(cat out)" != "$(cat whole)" ] || fail "the repetition penalty changes nothing"
run 0 generate "${model[@]}" "${long[@]}" --chat true --json true --prompt "What is 3 plus 9?" --temperature 1 --min_p 1
same whole out

# A conversation: each turn sees those before it, /reset forgets them.
printf 'What is 3 plus 9?\n\nAnd 4?\n/reset\nAnd 4?\n/exit\nnever said\n' > said
timeout 60 "$HONE" generate "${model[@]}" "${long[@]}" --chat true --json true < said > out 2> err
expect_code 0 $? "a conversation"
[ "$(wc -l < out)" -eq 3 ] || fail "three answers: $(cat out)"
cp out turns
[ "$(text_of turns | head -n 1)" = "$(text_of whole)" ] || fail "the first turn is another answer: $(cat turns)"
printf '{"messages":[{"role":"user","content":"What is 3 plus 9?"},{"role":"assistant","content":%s},{"role":"user","content":"And 4?"}]}\n{"prompt":"And 4?"}\n' \
  "$(text_of whole)" > history.jsonl
run 0 generate "${model[@]}" "${long[@]}" --chat true --json true --input history.jsonl
text_of out > expected
text_of turns | tail -n 2 > given
same expected given
timeout 60 "$HONE" generate "${model[@]}" "${long[@]}" --chat true < said > out 2> err
[ -s out ] || fail "a conversation says nothing"

# A system turn comes before the prompt and, after /reset too, before a conversation.
printf '{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"And 4?"}]}\n' > briefed.jsonl
run 0 generate "${model[@]}" "${long[@]}" --chat true --json true --input briefed.jsonl
cp out briefed
[ "$(ids_of briefed)" != "$(ids_of turns | tail -n 1)" ] || fail "the system turn changes nothing"
run 0 generate "${model[@]}" "${long[@]}" --chat true --json true --prompt "And 4?" --system "Be brief."
same briefed out
printf 'Never mind.\n/reset\nAnd 4?\n' > said
timeout 60 "$HONE" generate "${model[@]}" "${long[@]}" --chat true --json true --system "Be brief." < said > out 2> err
text_of briefed > expected
text_of out | tail -n 1 > given
same expected given
run 2 generate "${model[@]}" --prompt "And 4?" --system "Be brief."
says err US056

run_ranks 2 2 generate "${model[@]}" --chat true
one_error err
says err US051
run 2 generate "${model[@]}"
says err US023

# Answers are scored and looked at, the same on two ranks; each row says what is wrong with it.
printf 'it\nis\n' > words
judged=(--data.eval rows.eval.jsonl --generate true --max_new_tokens 8 --word_list words --labels auto)
run 0 evaluate "${model[@]}" "${judged[@]}" --per_example each.jsonl
for key in examples exact_match squad_exact_match squad_f1 bleu rouge1 rouge2 rougeL rougeLsum any empty too_long \
  repetitive misspelt not_a_label repetition unknown_words; do
  says out "\"$key\":"
done
[ "$(value not_a_label out)" -eq "$(grep -c '"errors":\[.*"not_a_label"' each.jsonl)" ] || fail "not_a_label: $(cat out)"
[ "$(value too_long out)" -eq "$(grep -c '"errors":\[.*"too_long"' each.jsonl)" ] || fail "too_long: $(cat out)"
cp out one
run_ranks 2 0 evaluate "${model[@]}" "${judged[@]}"
for key in bleu rougeL any too_long misspelt not_a_label; do close $key 1e-9 one out; done
run 2 evaluate "${model[@]}" --data.eval rows.eval.jsonl --labels auto
says err US055
run 3 evaluate "${model[@]}" --data.eval rows.eval.jsonl --generate true --word_list missing
one_error err

# Long texts in windows: every token but a text's first, on any number of ranks.
awk 'BEGIN { for (r = 0; r < 3; ++r) { printf "{\"text\":\""; for (i = 0; i < 60 + 40 * r; ++i) printf "%d plus %d is %d. ", i, r, i + r; print "\"}" } }' > book.jsonl
window=(--data.eval book.jsonl --data.max_length 64 --stride 16)
run 0 evaluate "${model[@]}" "${window[@]}" --per_example texts.jsonl
cp out one
paste <(value logp texts.jsonl) <(value tokens texts.jsonl) | awk '{ logp += $1; n += $2 }
  END { printf "{\"loss\":%.12g,\"tokens\":%d,\"perplexity\":%.12g}\n", -logp / n, n, exp(-logp / n) }' > summed
for key in loss tokens perplexity; do close $key 1e-6 one summed; done
run_ranks 2 0 evaluate "${model[@]}" "${window[@]}"
for key in loss tokens; do close $key 1e-6 one out; done
run 0 evaluate "${model[@]}" --data.eval book.jsonl --data.max_length 64 --stride 64
[ "$(value loss out)" != "$(value loss one)" ] || fail "the stride changes nothing"
run 2 evaluate "${model[@]}" --data.eval book.jsonl --data.max_length 64 --stride 65
says err US052
run 2 evaluate "${model[@]}" "${window[@]}" --generate true
says err US054
run 3 evaluate "${model[@]}" --data.eval rows.eval.jsonl --stride 16
says err DS051
finish
