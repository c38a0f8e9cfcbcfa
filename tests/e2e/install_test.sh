#!/usr/bin/env bash
# cmake --install: the installed program runs, and its manual pages, completions and configurations are beside it.
source "$(dirname "$0")/lib.sh"

"$CMAKE" --install "$HONE_BUILD" --prefix "$WORK/prefix" > out 2>&1 || fail "cmake --install: $(tail -n 3 out)"
prefix/bin/hone --version > version || fail "the installed program does not start"
says version 'LibTorch'
there prefix/share/man/man1/{hone,hone-train,hone-generate}.1 prefix/share/bash-completion/completions/hone \
  prefix/share/zsh/site-functions/_hone prefix/share/fish/vendor_completions.d/hone.fish \
  prefix/share/hone/configs/sft/smollm2_qlora.cfg
says prefix/share/man/man1/hone-train.1 'optim.lr'
for file in $(find prefix/share -type f); do [ -s "$file" ] || fail "$file is empty"; done
"$HONE" completion bash | cmp - prefix/share/bash-completion/completions/hone || fail "the completions of another program"
DESTDIR=$WORK/stage "$CMAKE" --install "$HONE_BUILD" --prefix /opt/hone > out 2>&1 || fail "with DESTDIR"
there stage/opt/hone/bin/hone stage/opt/hone/share/man/man1/hone.1
finish
