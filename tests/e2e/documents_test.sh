#!/usr/bin/env bash
# hone completion bash, in a real bash: commands, options of a command, values of an option, file names elsewhere.
source "$(dirname "$0")/lib.sh"

run 0 completion bash
source ./out
complete -p hone > bound 2>&1
says bound '-o default -F _hone hone'

# offers WORD...: what pressing Tab after these words offers.
offers() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _hone
  printf '%s\n' "${COMPREPLY[@]}"
}
[ "$(offers hone tr)" = train ] || fail "commands: $(offers hone tr)"
[ "$(offers hone '' | head -n 3 | tr '\n' ' ')" = "prepare train evaluate " ] || fail "all commands"
[ "$(offers hone train --optim.be | tr '\n' ' ')" = "--optim.beta1 --optim.beta2 " ] || fail "options of train"
[ "$(offers hone train --model.dtype b)" = bf16 ] || fail "values of model.dtype"
[ "$(offers hone train --data.packing '' | tr '\n' ' ')" = "true false " ] || fail "a boolean's values"
[ "$(offers hone convert --quantize n | tr '\n' ' ')" = "none nf4 " ] || fail "values of a command's own option"
[ "$(offers hone generate --max_new)" = --max_new_tokens ] || fail "a command's own options"
[ -z "$(offers hone generate --optim.l)" ] || fail "keys of sections that a command does not show"
[ -z "$(offers hone train --data.train ro)" ] || fail "file names are left to bash"

run 2 completion tcsh
one_error err
run 2 man nothing
one_error err

# Manual pages format without a complaint where a formatter is at hand.
run 0 man --output pages
there pages/hone.1 pages/hone-train.1
if command -v groff > groff.path; then
  for page in pages/*.1; do
    groff -man -Tutf8 -ww "$page" > page.txt 2> complaints || fail "$page"
    [ -s complaints ] && fail "$page: $(head -n 3 complaints)"
  done
  groff -man -Tascii -P-c pages/hone-train.1 | sed 's/.\x08//g' > page.txt  # bold is struck twice
  says page.txt '--optim.lr auto|X'
fi
finish
