"""Reference values for data/text: token ids, decoded texts, rendered chats and masks.

    python make_text_goldens.py SmolLM2-135M-Instruct.gguf

Written with Hugging Face's tokenizers and transformers (versions are in each file). SmolLM2's vocabulary comes
from its GGUF file; it must split each digit alone, as llama.cpp's pre kind `smollm` does. The other pre kinds
get tiny tokenizers trained here on the test strings.
"""
import json
import os
import sys

import gguf
import tokenizers
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from chats import CHATS, TEMPLATES
from hard_strings import STRINGS

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = {"tokenizers": tokenizers.__version__, "transformers": transformers.__version__}

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def isolated(pattern):
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


def train(pre_tokenizer, normalizer=None, size=700, alphabet=None):
    made = Tokenizer(models.BPE())
    if normalizer is not None:
        made.normalizer = normalizer
    made.pre_tokenizer = pre_tokenizer
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, min_frequency=2,
                                  initial_alphabet=alphabet or pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator([text_of(s) for s in STRINGS] * 3, trainer)
    return made


def add(made, specials, others=()):
    made.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in specials])
    made.add_tokens(list(others))
    return made


def gpt2_tiny():
    made = add(train(byte_level(True)), ["<|endoftext|>", "</s>", "<|im_start|>", "<|im_end|>"],
               [AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
                AddedToken("wordy", single_word=True, normalized=False), AddedToken("<both>", lstrip=True, rstrip=True)])
    return made, {"bos_token": "<|endoftext|>", "eos_token": "</s>"}


def llama_tiny():
    made = train(pre_tokenizers.Sequence([isolated(LLAMA3), byte_level(False)]), size=800)
    add(made, ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"])
    state = json.loads(made.to_str())
    vocab = state["model"]["vocab"]
    added = {t["content"] for t in state["added_tokens"]}
    whole = [t for t in ("Ġcontraction", "ĠStraÃŁe") if t not in vocab]
    shift = max(vocab.values()) + 1
    for i, token in enumerate(whole):  # words that no merges make: ignore_merges must find them
        vocab[token] = shift + i
    for token in state["added_tokens"]:
        token["id"] += len(whole)
        vocab.pop(token["content"], None)
    assert len(added) == 5
    state["model"]["ignore_merges"] = True
    made = Tokenizer.from_str(json.dumps(state))
    bos = made.token_to_id("<|begin_of_text|>")
    made.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                      special_tokens=[("<|begin_of_text|>", bos)])])
    return made, {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"}


def qwen2_tiny():
    made = train(pre_tokenizers.Sequence([isolated(QWEN2), byte_level(False)]), normalizers.NFC())
    add(made, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], [AddedToken("Ångström", normalized=True)])
    return made, {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}


def custom_tiny():
    """Every other component that is read: PCRE patterns, literals, behaviors, digit runs, NFKC, unknown bytes."""
    pre = pre_tokenizers.Sequence([
        isolated(O200K), pre_tokenizers.Split("-", behavior="merged_with_previous"),
        pre_tokenizers.Split("=", behavior="merged_with_next"), pre_tokenizers.Split(Regex(r"#+"), behavior="removed"),
        pre_tokenizers.Split(Regex(r"[\(\)]"), behavior="contiguous"),
        pre_tokenizers.Split(Regex(r"[^;]+"), behavior="isolated", invert=True),
        pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)])
    made = train(pre, normalizers.Sequence([normalizers.NFKC()]), size=500)
    state = json.loads(made.to_str())
    vocab = state["model"]["vocab"]
    vocab["<unk>"] = max(vocab.values()) + 1
    for byte in ("Ā", "ā", "Ċ"):  # bytes 0, 1 and 10 have no token
        merges = state["model"]["merges"]
        gone = {m for m in vocab if byte in m}
        state["model"]["merges"] = [m for m in merges if not gone & {m[0], m[1], m[0] + m[1]}]
        for token in gone:
            del vocab[token]
    vocab = {token: i for i, token in enumerate(vocab)}
    state["model"].update(vocab=vocab, unk_token="<unk>", fuse_unk=True)
    return Tokenizer.from_str(json.dumps(state)), {"eos_token": "<unk>"}


# What llama.cpp's pre kinds do to a text before the byte level.
GGUF_KINDS = {
    "gpt-2": [byte_level(True)],
    "smollm": [pre_tokenizers.Digits(individual_digits=True), byte_level(True)],
    "default": [isolated(r"[\p{P}\$\+<=>\^~\|]+"), isolated(GPT2), pre_tokenizers.Digits(),
                isolated("[0-9][0-9][0-9]"), byte_level(False)],
    "llama-bpe": [isolated(LLAMA3), byte_level(False)],
    "qwen2": [isolated(QWEN2), byte_level(False)],
}


def gguf_tiny(kind):
    made = add(train(pre_tokenizers.Sequence(GGUF_KINDS[kind]), size=450), ["<|bos|>", "<|im_end|>"],
               [AddedToken("<user defined>", normalized=False)])
    if kind == "llama-bpe":
        made.post_processor = processors.TemplateProcessing(
            single="<|bos|> $A", special_tokens=[("<|bos|>", made.token_to_id("<|bos|>"))])
    return made, {"bos_token": "<|bos|>", "eos_token": "<|im_end|>"}


def smollm2(path):
    fields = gguf.GGUFReader(path).fields
    value = lambda key: fields["tokenizer.ggml." + key].contents()
    tokens = value("tokens")
    merges = [tuple(m.split(" ")) for m in value("merges")]
    made = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)])
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    add(made, [t for t, kind in zip(tokens, value("token_type")) if kind == 3])
    return made, {"bos_token": tokens[value("bos_token_id")], "eos_token": tokens[value("eos_token_id")]}


def text_of(entry):
    return entry if isinstance(entry, str) else bytes.fromhex(entry["hex"]).decode("utf-8", errors="replace")


def write(name, value, indent=None):
    path = os.path.join(HERE, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=indent)
        file.write("\n")


def write_ids(name, made):
    rows = []
    for entry in STRINGS:
        text = text_of(entry)
        ids = made.encode(text, add_special_tokens=False).ids
        rows.append({"ids": ids, "special": made.encode(text).ids, "decoded": made.decode(ids, skip_special_tokens=False),
                     "skipped": made.decode(ids, skip_special_tokens=True)})
    write(f"ids_{name}.json", {"versions": VERSIONS, "rows": rows})


def write_folder(name, made, named, string_merges):
    state = json.loads(made.to_str())
    if string_merges:
        state["model"]["merges"] = [" ".join(m) for m in state["model"]["merges"]]
    write(f"{name}/tokenizer.json", state)
    write(f"{name}/tokenizer_config.json", {**named, "tokenizer_class": "PreTrainedTokenizerFast"}, 1)


def write_gguf(kind, made, named):
    state = json.loads(made.to_str())
    size = made.get_vocab_size()
    added = {t["id"]: t for t in state["added_tokens"]}
    writer = gguf.GGUFWriter(os.path.join(HERE, f"gguf_{kind}.gguf"), "llama")
    writer.add_context_length(512)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(kind)
    writer.add_token_list([made.id_to_token(i) for i in range(size)])
    writer.add_token_types([3 if i in added and added[i]["special"] else 4 if i in added else 1 for i in range(size)])
    writer.add_token_merges([" ".join(m) for m in state["model"]["merges"]])
    writer.add_bos_token_id(made.token_to_id(named["bos_token"]))
    writer.add_eos_token_id(made.token_to_id(named["eos_token"]))
    writer.add_chat_template(TEMPLATES["chatml"]["plain"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def chat_rows(made, named, template, with_mask):
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=made, **named)
    rows = []
    for chat in CHATS:
        plain = fast.apply_chat_template(chat, chat_template=template, tokenize=False)
        masked = fast.apply_chat_template(chat, chat_template=with_mask, tokenize=True, return_dict=True,
                                          return_assistant_tokens_mask=True)
        assert fast.apply_chat_template(chat, chat_template=with_mask, tokenize=False) == plain
        ids = fast.apply_chat_template(chat, chat_template=template, tokenize=True, return_dict=True)["input_ids"]
        assert ids == masked["input_ids"]
        prompt = fast.apply_chat_template(chat[:-1], chat_template=template, tokenize=False, add_generation_prompt=True)
        rows.append({"messages": chat, "text": plain, "ids": ids, "supervised": masked["assistant_masks"],
                     "prompt": prompt})
    return rows


def write_chats(name, made, named, templates):
    rows = {t: chat_rows(made, named, TEMPLATES[t]["plain"], TEMPLATES[t]["masked"]) for t in templates}
    write(f"chats_{name}.json", {"versions": VERSIONS, "templates": rows})


def main():
    write("strings.json", STRINGS, 0)
    write("templates.json", {name: t["plain"] for name, t in TEMPLATES.items()}, 1)
    tiny = {"gpt2": (gpt2_tiny(), True), "llama3": (llama_tiny(), False), "qwen2": (qwen2_tiny(), False),
            "custom": (custom_tiny(), False)}
    for name, ((made, named), string_merges) in tiny.items():
        write_ids(name, made)
        write_folder(name, made, named, string_merges)
    write_chats("gpt2", *tiny["gpt2"][0], ["zephyr", "alpaca"])
    write_chats("llama3", *tiny["llama3"][0], ["llama3"])
    write_chats("qwen2", *tiny["qwen2"][0], ["chatml", "smollm2"])
    for kind in GGUF_KINDS:
        made, named = gguf_tiny(kind)
        write_ids("gguf_" + kind, made)
        write_gguf(kind, made, named)
    if len(sys.argv) > 1:
        made, named = smollm2(sys.argv[1])
        write_ids("smollm2", made)
        write_chats("smollm2", made, named, ["smollm2", "chatml", "zephyr", "llama3", "alpaca"])


if __name__ == "__main__":
    main()
