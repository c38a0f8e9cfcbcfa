"""Reference values of tokenizers with marked words (from SentencePiece, as Llama 2's and TinyLlama's): llama2/ marks
them in its normaliser, mistral/ where words are cut, at the text's beginning only, and metaspace/ there too, always.

    python make_metaspace_goldens.py
"""
import json

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from hard_strings import STRINGS
from make_text_goldens import text_of, write_chats, write_folder, write_ids

MARK = "\u2581"
STRIPPING = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                               decoders.Strip(" ", 1, 0)])


def train(split):
    made = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace(MARK, "always", split)
    trainer = trainers.BpeTrainer(vocab_size=750, show_progress=False, min_frequency=2, limit_alphabet=150,
                                  special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)])
    made.train_from_iterator([text_of(s) for s in STRINGS] * 3, trainer)
    state = json.loads(made.to_str())
    state["added_tokens"] = state["added_tokens"][:3]  # byte tokens are of the vocabulary alone
    return Tokenizer.from_str(json.dumps(state))


def finish(made, others=()):
    made.add_tokens(list(others))
    bos = made.token_to_id("<s>")
    made.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1",
                                                        special_tokens=[("<s>", bos)])
    return made, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def llama2():
    made = train(split=False)
    made.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    made.pre_tokenizer = None
    made.decoder = STRIPPING
    return finish(made, [AddedToken("contraction", normalized=True)])


def mistral():
    made = train(split=False)
    made.pre_tokenizer = pre_tokenizers.Metaspace(MARK, "first", split=False)
    made.decoder = STRIPPING
    return finish(made)


def metaspace():
    made = train(split=True)
    made.pre_tokenizer = pre_tokenizers.Metaspace(MARK, "always", split=True)
    made.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(MARK, "always", True)])
    return finish(made)


if __name__ == "__main__":
    for maker in (llama2, mistral, metaspace):
        tokenizer, named = maker()
        write_ids(maker.__name__, tokenizer)
        write_folder(maker.__name__, tokenizer, named, string_merges=False)
        if maker is llama2:
            write_chats("llama2", tokenizer, named, ["zephyr"])
