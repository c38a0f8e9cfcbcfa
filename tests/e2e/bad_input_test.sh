#!/usr/bin/env bash
# Bad input of every kind: the contract's exit code, exactly one error line that says what is wrong, no crash, no
# hang, and nothing lost: the run that all of this aims at keeps its checkpoints, metrics and weights.
source "$(dirname "$0")/lib.sh"
CASES=0

# bad CODE SAYS ARGS...: hone refuses.
bad() {
  local wanted=$1 says=$2 got
  shift 2
  CASES=$((CASES + 1))
  timeout 10 "$HONE" "$@" > out 2> err
  got=$?
  [ $got -eq "$wanted" ] || fail "exit code $got, not $wanted: hone $*: $(tail -n 2 err)"
  [ "$(grep -c '^error\[' err)" -eq 1 ] || fail "$(grep -c '^error\[' err) error lines: hone $*"
  grep '^error\[' err | grep -q -e "$says" || fail "the error does not say \"$says\": hone $*: $(cat err)"
  [ -s out ] && fail "standard output is not empty: hone $*: $(head -c 200 out)"
}

# ... in training as it would otherwise run.
bad_train() {
  local wanted=$1 says=$2
  shift 2
  bad "$wanted" "$says" train --config chat.cfg --config lora.cfg --train.steps 4 --run.dir bad "$@"
}

# model NAME [FILE...]: a copy of the model folder without these files.
model() {
  rm -rf "$1"
  mkdir "$1"
  ln -s "$CHAT"/* "$1"
  for gone in "${@:2}"; do rm "$1/$gone"; done
}

# bad_config SAYS SED: a model whose config.json was edited.
bad_config() {
  model edited config.json
  sed "$2" "$CHAT/config.json" > edited/config.json
  cmp -s edited/config.json "$CHAT/config.json" && fail "the edit $2 changes nothing"
  bad_train 3 "$1" --model.path edited
}

# bad_rows SAYS LINE...: training rows, one of which is wrong.
bad_rows() {
  local says=$1
  shift
  printf '%s\n' "$@" > bad.jsonl
  bad_train 3 "$says" --data.train bad.jsonl
}

# safetensors FILE HEADER [BYTES]: a file with this header and that many zeros.
safetensors() {
  local n=${#2}
  # shellcheck disable=SC2059
  printf "$(printf '\\x%02x' $((n & 255)) $((n >> 8 & 255)) $((n >> 16 & 255)) 0 0 0 0 0)" > "$1"
  printf '%s' "$2" >> "$1"
  head -c "${3:-0}" /dev/zero >> "$1"
}

# bad_weights SAYS HEADER [BYTES]
bad_weights() {
  model edited model.safetensors
  safetensors edited/model.safetensors "$2" "${3:-0}"
  bad_train 3 "$1" --model.path edited
}

run 0 train --config chat.cfg --config lora.cfg --train.steps 6 --train.save_every 2 --run.dir good
digest() { find good ! -path '*/logs/*' ! -name status.json -type f -exec cksum {} + | sort -k 3; }
digest > good.digest
again=(train --config chat.cfg --config lora.cfg --train.steps 6 --train.save_every 2 --run.dir good)
echo '{"text":"plain"}' > text.jsonl
GOOD='{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}'

echo "--- command line and config files: 2"
bad 2 'hone --help'
bad 2 'did you mean train' trian
bad 2 'train.batch_size' train --train.batch_sise 3
bad 2 'train.steps' train --train.stepss 3
bad 2 'model.path' train --data.train rows.jsonl
bad_train 2 'unexpected argument' surplus
bad_train 2 'optim.lr' --optim.lr fast
bad_train 2 'optim.lr' --optim.lr -1
bad_train 2 'optim.lr' --optim.lr nan
bad_train 2 'train.steps' --train.steps 0
bad_train 2 'train.steps' --train.steps 99999999999999999999
bad_train 2 'train.batch_size' --train.batch_size 2.5
bad_train 2 'data.packing' --data.packing yes
bad_train 2 'data.train' --data.train ''
bad_train 2 'value' --train.seed
bad_train 2 'adapter.type' --adapter.type lor
bad_train 2 'adapter.rank' --adapter.rank 0
bad_train 2 'adapter.dropout' --adapter.dropout 1
bad_train 2 'adapter.targets' --adapter.targets no_such_proj
bad_train 2 'objective.name' --objective.name dpoo
bad_train 2 'optim.name' --optim.name adamax
bad_train 2 'schedule.name' --schedule.name cosin
bad_train 2 'warmup_ratio' --schedule.warmup_ratio 2
bad_train 2 'model.dtype' --model.dtype fp8
bad_train 2 'model.device' --model.device cuda
bad_train 2 'model.device' --model.device tpu
bad_train 2 'model.quantize' --model.quantize int8
bad_train 2 'model.quantize' --adapter.type none --model.quantize nf4
bad_train 2 'dist.zero' --dist.zero 4
bad_train 2 'dist.backend' --dist.backend gloo
bad_train 2 'data.template' --data.template none
bad_train 2 'data.template' --data.template vicuna
bad_train 2 'data.format' --data.format csv
bad_train 2 'rows.jsonl: row 0.*train.micro_tokens' --train.micro_tokens 20
bad_train 2 'adapter.rank' --adapter.init good/adapter --adapter.rank 8
bad_train 3 'none.cfg' --config none.cfg
printf '[train]\nsteps\n' > line.cfg && bad_train 2 'line.cfg:2' --config line.cfg
printf '[trein]\nsteps = 1\n' > section.cfg && bad_train 2 'section.cfg:1\|section.cfg:2' --config section.cfg
printf '[train]\nstepz = 1\n' > key.cfg && bad_train 2 'key.cfg:2' --config key.cfg
printf '[train]\nsteps = many\n' > value.cfg && bad_train 2 'value.cfg:2' --config value.cfg
printf 'steps = 1\n' > bare.cfg && bad_train 2 'bare.cfg:1' --config bare.cfg
printf '[train]\nsteps = 1\nsteps = \377\n' > bytes.cfg && bad_train 2 'bytes.cfg' --config bytes.cfg
bad_train 3 'not a regular file\|directory' --config .
mkfifo pipe.cfg && bad_train 3 'not a regular file' --config pipe.cfg
bad 2 'prompt' generate --model.path "$CHAT"
bad 2 'prompt' generate --model.path "$CHAT" --prompt a --input rows.jsonl
bad 2 'top_p' generate --model.path "$CHAT" --prompt a --top_p 1.5
bad 2 'max_new_tokens' generate --model.path "$CHAT" --prompt a --max_new_tokens 0
bad 2 'model.adapters' merge --model.path "$CHAT" --output merged
bad 2 'output' convert --model.path "$CHAT"
bad 2 'quantize' convert --model.path "$CHAT" --output x --quantize int4
bad 2 'data.eval' evaluate --model.path "$CHAT"
echo '{"messages":[{"role":"user","content":"no answer"}]}' > mute.jsonl
bad 3 'nothing to score' evaluate --model.path "$CHAT" --model.dtype fp32 --data.eval mute.jsonl
bad_train 3 'nothing to score' --data.eval mute.jsonl
bad 2 'US083' evaluate --model.path "$CHAT" --data.eval rows.jsonl --compare true
bad 2 'US082.*adapter.rank' train --config chat.cfg --adapter.rank 8 --run.dir bad
bad 2 'US082.*adapter.init' train --config chat.cfg --adapter.init x --run.dir bad
bad_train 2 'AD012.*vproj.*q_proj' --adapter.targets q_proj,vproj
bad_train 2 'US079.*<a>' --data.new_tokens '<a>,<a>' --adapter.trainable_token_indices new
bad 8 'FS011' train --config chat.cfg --run.dir rows.jsonl/x --dry-run
mkdir locked
exec 9> locked/.lock
flock 9
bad_train 2 'US084.*locked' --run.dir locked
exec 9>&-
bad 2 'model, tokens' inspect weights --model.path "$CHAT"

echo "--- model folders and files: 3"
bad_train 3 'none' --model.path none
mkdir empty && bad_train 3 'empty' --model.path empty
bad_train 3 'rows.jsonl' --model.path rows.jsonl
for file in config.json tokenizer.json model.safetensors; do
  model part $file && bad_train 3 "$file\|no weights" --model.path part
  mkdir part/$file && bad_train 3 "part" --model.path part
done
bad_config 'config.json' '1s/{/[/'
bad_config 'config.json' '$d'
bad_config 'hidden_size' 's/"hidden_size": 32/"hidden_size": "wide"/'
bad_config 'hidden_size' 's/"hidden_size": 32/"hidden_size": -32/'
bad_config 'edited' 's/"hidden_size": 32/"hidden_size": 64/'
bad_config 'hidden_size' '/"hidden_size"/d'
bad_config 'num_attention_heads\|heads' 's/"num_attention_heads": 2/"num_attention_heads": 0/'
bad_config 'heads' 's/"num_key_value_heads": 1/"num_key_value_heads": 3/'
bad_config 'num_hidden_layers\|tensor' 's/"num_hidden_layers": 2/"num_hidden_layers": 3/'
bad_config 'num_hidden_layers' 's/"num_hidden_layers": 2/"num_hidden_layers": 4000000000000/'
bad_config 'tensor not expected' 's/"num_hidden_layers": 2/"num_hidden_layers": 1/'
bad_config 'vocab_size' 's/"vocab_size": 704/"vocab_size": 100/'
bad_config 'architecture' 's/LlamaForCausalLM/FancyForCausalLM/;s/"model_type": "llama"/"model_type": "fancy"/'
bad_config 'hidden_act' 's/"silu"/"gelu"/'
bad_config 'rope' 's/"rope_type": "default"/"rope_type": "yarn"/'
bad_config 'rope_theta\|rope' 's/"rope_theta": 10000.0/"rope_theta": "big"/'
model edited config.json && printf '%*s' 100000 '' | tr ' ' '[' > edited/config.json
bad_train 3 'config.json' --model.path edited
bad_weights 'header' 'not json at all'
bad_weights 'header' '{"a":'
bad_weights 'model.norm.weight\|tensor' '{}'
bad_weights 'negative' '{"model.norm.weight":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}' 4
bad_weights 'size\|shape' '{"model.norm.weight":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}}' 16
bad_weights 'cut off' '{"model.norm.weight":{"dtype":"F32","shape":[32],"data_offsets":[0,128]}}' 64
bad_weights 'dtype\|type' '{"model.norm.weight":{"dtype":"F33","shape":[32],"data_offsets":[0,128]}}' 128
bad_weights 'edited' '{"model.norm.weight":{"dtype":"F32","shape":[32],"data_offsets":[128,0]}}' 128
bad_weights 'hole\|cut off' '{"model.norm.weight":{"dtype":"F32","shape":[32],"data_offsets":[64,192]}}' 192
model edited model.safetensors && head -c 100000 "$CHAT/model.safetensors" > edited/model.safetensors
bad_train 3 'cut off' --model.path edited
(cat "$CHAT/model.safetensors" && echo more) > edited/model.safetensors && bad_train 3 'after the last' --model.path edited
: > edited/model.safetensors && bad_train 3 'model.safetensors' --model.path edited
printf '\377\377\377\377\377\377\377\177{}' > edited/model.safetensors && bad_train 3 'header' --model.path edited
printf '\200\002}q\000.' > edited/model.safetensors && bad_train 3 'model.safetensors' --model.path edited
printf 'PK\003\004\024\000\000\000\010\000' > edited/model.safetensors && bad_train 3 'pickle\|zip\|safetensors' --model.path edited
rm edited/model.safetensors && printf '\200\002}q\000.' > edited/pytorch_model.bin && bad_train 3 'pickle' --model.path edited
printf 'PK\003\004' > model.pt && bad_train 3 'pickle\|not a GGUF' --model.path model.pt
rm edited/pytorch_model.bin && mkfifo edited/model.safetensors && bad_train 3 'regular file' --model.path edited
rm edited/model.safetensors && ln -s nowhere edited/model.safetensors && bad_train 3 'model.safetensors\|no weights' --model.path edited
model edited model.safetensors && cp "$CHAT/model.safetensors" outside.safetensors
for name in ../outside.safetensors "$WORK/outside.safetensors" ..; do
  printf '{"weight_map":{"model.norm.weight":"%s"}}' "$name" > edited/model.safetensors.index.json
  bad_train 3 'not allowed' --model.path edited
done
echo '{"weight_map":{"model.norm.weight":"gone.safetensors"}}' > edited/model.safetensors.index.json
bad_train 3 'gone.safetensors' --model.path edited
echo '{"weight_map":[]}' > edited/model.safetensors.index.json && bad_train 3 'weight_map' --model.path edited
rm edited/model.safetensors.index.json && truncate -s 1T edited/model.safetensors && bad_train 3 'header' --model.path edited
bad_train 3 'File name too long' --model.path "$(printf '%*s' 5000 '' | tr ' ' a)"
bad_train 3 'regular file' --model.path /dev/zero
printf 'GGUF\003\000\000\000' > short.gguf && bad_train 3 'short.gguf' --model.path short.gguf
printf 'GGUF\003\000\000\000\377\377\377\377\377\377\377\177\377\377\377\377\377\377\377\177' > bomb.gguf
bad_train 3 'bomb.gguf' --model.path bomb.gguf
printf 'GGUF\011\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000' > v9.gguf
bad_train 3 'version' --model.path v9.gguf
head -c 3000 "$GOLDEN/text/gguf_smollm.gguf" > cut.gguf && bad_train 3 'cut.gguf' --model.path cut.gguf

echo "--- tokenizers: 3"
model edited tokenizer.json
head -c 5000 "$CHAT/tokenizer.json" > edited/tokenizer.json && bad_train 3 'tokenizer.json' --model.path edited
echo '{"model":{"type":"Unigram","vocab":[]}}' > edited/tokenizer.json && bad_train 3 'not supported' --model.path edited
echo '[]' > edited/tokenizer.json && bad_train 3 'tokenizer.json' --model.path edited
cp "$GOLDEN/text/llama3/tokenizer.json" edited/tokenizer.json
bad_train 3 'vocab' --model.path edited --data.template none --data.train text.jsonl
model edited tokenizer_config.json
sed 's/loop.first/loop.last/' "$CHAT/tokenizer_config.json" > edited/tokenizer_config.json
bad_train 2 'template' --model.path edited
echo '{"chat_template":' > edited/tokenizer_config.json && bad_train 3 'tokenizer_config.json' --model.path edited

echo "--- rows: 3, naming file and line"
bad_train 3 'none.jsonl' --data.train none.jsonl
: > bad.jsonl && bad_train 3 'bad.jsonl' --data.train bad.jsonl
printf '\n \n\n' > bad.jsonl && bad_train 3 'bad.jsonl' --data.train bad.jsonl
bad_rows 'bad.jsonl:2' "$GOOD" 'not json'
bad_rows 'bad.jsonl:3' "$GOOD" '' '{"messages":[{"role":"user"'
bad_rows 'bad.jsonl:2' "$GOOD" '["a"]'
bad_rows 'bad.jsonl:1' '{"name":"x"}'
bad_rows 'bad.jsonl:2' "$GOOD" '{"text":"other format"}'
bad_rows 'bad.jsonl:2' "$GOOD" '{"messages":[]}'
bad_rows 'bad.jsonl:2' "$GOOD" '{"messages":"hello"}'
bad_rows 'bad.jsonl:2' "$GOOD" '{"messages":[{"role":"robot","content":"x"}]}'
bad_rows 'bad.jsonl:2' "$GOOD" '{"messages":[{"role":"user","content":null}]}'
bad_rows 'bad.jsonl:2' "$GOOD" '{"messages":[{"role":"user","content":7}]}'
bad_rows 'bad.jsonl:2' "$GOOD" '{"messages":[{"content":"x"}]}'
bad_rows 'bad.jsonl:2.*twice' "$GOOD" '{"messages":[],"messages":[]}'
bad_rows 'bad.jsonl:2' "$GOOD" '{"messages":[{"role":"user","content":"\ud800"}]}'
bad_rows 'bad.jsonl:1' '{"prompt":"x","completion":5}'
bad_rows 'bad.jsonl:1' '{"instruction":"x","output":["y"]}'
bad_rows 'bad.jsonl:1' "{\"text\":$(printf '%*s' 5000 '' | tr ' ' '[')"
printf '{"text":"a\377b"}\n' > bad.jsonl && bad_train 3 'bad.jsonl:1.*UTF-8' --data.train bad.jsonl
printf '{"text":"a\000b"}\n' > bad.jsonl && bad_train 3 'bad.jsonl:1.*NUL' --data.train bad.jsonl
gzip -c rows.jsonl > rows.gz && bad_train 3 'rows.gz' --data.train rows.gz
mkfifo pipe.jsonl && bad_train 3 'regular file' --data.train pipe.jsonl
bad_train 3 'regular file' --data.train /dev/zero
bad_train 3 'File name too long' --data.train "$(printf '%*s' 5000 '' | tr ' ' a)"
truncate -s 1T sparse.jsonl && bad_train 3 'sparse.jsonl:1.*limit' --data.train sparse.jsonl
bad_train 3 'empty' --data.train empty
bad_train 3 'supervised token' --data.max_length 2
bad_train 3 'eval.jsonl' --data.eval eval.jsonl
bad 3 'none.jsonl' generate --model.path "$CHAT" --model.dtype fp32 --input none.jsonl
printf '{"prompt":"x"}\n{"prompt":3}\n' > bad.jsonl
bad 3 'bad.jsonl:2' generate --model.path "$CHAT" --model.dtype fp32 --input bad.jsonl
bad 3 'none.txt' inspect tokens --model.path "$CHAT" --input none.txt
bad 3 'bad.jsonl:1' inspect chat --model.path "$CHAT" --input bad.jsonl

echo "--- adapters: 3"
adapter() { rm -rf adapter && cp -r good/adapter adapter; }
bad_adapter() { bad 3 "$1" evaluate --model.path "$CHAT" --model.dtype fp32 --data.eval rows.jsonl --model.adapters adapter; }
bad_train 3 'nowhere' --model.adapters nowhere
bad_train 3 'does not fit\|does not have\|differ' --model.adapters "$GOLDEN/core/tiny_adapter"
bad 3 'does not fit\|does not have' merge --model.path "$CHAT" --model.dtype fp32 --model.adapters "$GOLDEN/core/tiny_adapter" --output merged
adapter && rm adapter/adapter_config.json && bad_adapter 'adapter_config.json'
adapter && rm adapter/adapter_model.safetensors && bad_adapter 'adapter_model.safetensors'
mv adapter/adapter_config.json . && printf '\200\002}q\000.' > adapter/adapter_model.bin && mv adapter_config.json adapter && bad_adapter 'pickle\|adapter_model.safetensors'
adapter && truncate -s -10 adapter/adapter_model.safetensors && bad_adapter 'cut off'
adapter && echo '{' > adapter/adapter_config.json && bad_adapter 'adapter_config.json'
adapter && sed -i 's/"LORA"/"LOHA"/' adapter/adapter_config.json && bad_adapter 'LOHA'
adapter && sed -i 's/"r": 4/"r": 0/' adapter/adapter_config.json && bad_adapter '"r"\|rank\|: r'
adapter && sed -i 's/"r": 4/"r": 5/' adapter/adapter_config.json && bad_adapter 'rank\|shape\|fit'
adapter && rm adapter/adapter_config.json && mkfifo adapter/adapter_config.json && bad_adapter 'regular file'
adapter && sed -i 's/layers\.1/layers.7/g' adapter/adapter_model.safetensors && bad_adapter 'layers.7'
bad_train 3 'nowhere' --adapter.init nowhere

echo "--- prepared folders: 3"
run 0 prepare --config chat.cfg --output prepared
prepared() { rm -rf damaged && cp -r prepared damaged; }
bad_prepared() { bad_train 3 "$1" --data.train damaged; }
bad 2 'prepared' prepare --config chat.cfg --output prepared
prepared && rm damaged/shard-000000.h5 && bad_prepared 'shard-000000.h5'
prepared && truncate -s -1 damaged/shard-000000.h5 && bad_prepared 'shard-000000.h5'
prepared && : > damaged/shard-000000.h5 && bad_prepared 'shard-000000.h5'
prepared && cp rows.jsonl damaged/shard-000000.h5 && bad_prepared 'shard-000000.h5'
prepared && tr 'aeiou' 'eioua' < prepared/shard-000000.h5 > damaged/shard-000000.h5 && bad_prepared 'shard-000000.h5'
prepared && echo '{}' > damaged/index.json && bad_prepared 'index.json'
prepared && sed -i 's/shard-000000.h5/..\/prepared\/shard-000000.h5/' damaged/index.json && bad_prepared 'index.json'
prepared && sed -i 's/"rows": *20/"rows":21/g' damaged/index.json && bad_prepared 'damaged'
prepared && rm damaged/shard-000000.h5 && mkfifo damaged/shard-000000.h5 && bad_prepared 'regular file'
prepared && sed -i 's/shard-000000.h5/\/etc\/passwd/' damaged/index.json && bad_prepared 'not allowed'
bad_train 3 'template' --data.train prepared --data.template chatml
bad 3 'shard\|index' inspect data empty

echo "--- going on from checkpoints: 4, changed settings 2"
step=good/checkpoints/step-00000006
bad 2 'optim.lr' "${again[@]}" --optim.lr 0.5
bad 2 'train.seed' "${again[@]}" --train.seed 1
bad 2 'adapter.rank' "${again[@]}" --adapter.rank 8
bad 2 'schedule.name' "${again[@]}" --schedule.name constant
bad 2 'train.batch_size' "${again[@]}" --train.batch_size 3
bad 2 'good' "${again[@]}" --train.resume none
bad 3 'nowhere' "${again[@]}" --train.resume nowhere
bad 4 'empty' "${again[@]}" --train.resume empty --run.dir elsewhere
bad 2 'adapter.type' train --config chat.cfg --train.resume $step --run.dir bad
model copy && bad 2 'model.path' "${again[@]}" --model.path copy
bad 2 'data.train' "${again[@]}" --data.train text.jsonl
cp rows.jsonl rows.kept
chats 19 > rows.jsonl
bad 4 'another data' "${again[@]}"
mv rows.kept rows.jsonl
model moving && sed -i "s|^path = .*|path = moving|" chat.cfg
run 0 train --config chat.cfg --config lora.cfg --train.steps 2 --run.dir moving-run
rm moving/model.safetensors && sed 's/\x3f/\x3e/' "$CHAT/model.safetensors" > moving/model.safetensors
bad 4 'another model' train --config chat.cfg --config lora.cfg --train.steps 2 --run.dir moving-run
sed -i "s|^path = .*|path = $CHAT|" chat.cfg
bad 4 'empty' inspect checkpoint empty
cp -r $step foreign && touch foreign/notes.txt && bad 4 'notes.txt' "${again[@]}" --train.resume foreign --run.dir elsewhere
cp -r $step piped && rm piped/manifest.json && mkfifo piped/manifest.json && bad 4 'piped' "${again[@]}" --train.resume piped --run.dir elsewhere
bad 3 'nowhere' inspect checkpoint nowhere
bad 3 'nowhere' report nowhere

echo "--- outputs: 8"
scores=(evaluate --model.path "$CHAT" --model.dtype fp32 --data.eval rows.jsonl)
bad_train 8 'rows.jsonl' --run.dir rows.jsonl
bad_train 8 'rows.jsonl/run' --run.dir rows.jsonl/run
bad 2 'the model itself' convert --model.path copy --output ../"$(basename "$WORK")"/copy
bad 2 'the model itself' merge --model.path copy --model.dtype fp32 --model.adapters good/adapter --output copy
same copy/model.safetensors "$CHAT/model.safetensors"
bad 8 'rows.jsonl' convert --model.path "$CHAT" --output rows.jsonl
bad 8 'rows.jsonl/merged' merge --model.path "$CHAT" --model.dtype fp32 --model.adapters good/adapter --output rows.jsonl/merged
bad 8 'rows.jsonl' prepare --config chat.cfg --output rows.jsonl/prepared
bad 8 'none' "${scores[@]}" --per_example none/scores.jsonl
bad 8 'report.html\|none' report good --output none/report.html
for to_full in "${scores[*]}" "inspect model --model.path $CHAT" "generate --model.path $CHAT --model.dtype fp32 --prompt a"; do
  CASES=$((CASES + 1))
  # shellcheck disable=SC2086
  timeout 10 "$HONE" $to_full > /dev/full 2> err
  expect_code 8 $? "hone $to_full > /dev/full"
  one_error err
done
# A file size limit stands for a disk that fills up in the middle of a run.
cp -r good limited
CASES=$((CASES + 1))
(ulimit -f 40 && timeout 10 "$HONE" train --config chat.cfg --config lora.cfg --train.steps 9 --train.save_every 2 \
  --run.dir limited > out 2> err)
expect_code 8 $? "train with files of at most 40 KiB"
one_error err
run 0 inspect checkpoint limited/checkpoints/step-00000006

echo "--- numbers that are not finite: 6; more memory than there is: 7"
bad 6 'step 2' train --config chat.cfg --config lora.cfg --optim.lr 1e38 --run.dir infinite
says infinite/status.json '"exit_code": 6'
model huge config.json model.safetensors
sed 's/"hidden_size": 32/"hidden_size": 65536/; s/"vocab_size": 704/"vocab_size": 1048576/' "$CHAT/config.json" > huge/config.json
header= at=0
tensor() { # NAME ROWS [COLUMNS]
  local to=$((at + 4 * $2 * ${3:-1}))
  header+=",\"model.$1.weight\":{\"dtype\":\"F32\",\"shape\":[$2${3:+,$3}],\"data_offsets\":[$at,$to]}"
  at=$to
}
tensor embed_tokens 1048576 65536
tensor norm 65536
for layer in layers.0 layers.1; do
  for norm in input_layernorm post_attention_layernorm; do tensor $layer.$norm 65536; done
  tensor $layer.self_attn.q_proj 32 65536
  for name in k v; do tensor $layer.self_attn.${name}_proj 16 65536; done
  tensor $layer.self_attn.o_proj 65536 32
  for name in gate up; do tensor $layer.mlp.${name}_proj 64 65536; done
  tensor $layer.mlp.down_proj 65536 64
done
safetensors huge/model.safetensors "{${header#,}}"
truncate -s +$at huge/model.safetensors  # 256 GiB, none of them on the disk
bad_train 7 'memory' --model.path huge

echo "--- nothing was lost"
digest > good.after
same good.digest good.after
"$HONE" "${again[@]}" > out 2> err || fail "the run does not go on: $(tail -n 1 err)"
echo "$CASES bad inputs"
[ "$CASES" -ge 60 ] || fail "only $CASES bad inputs"
finish
