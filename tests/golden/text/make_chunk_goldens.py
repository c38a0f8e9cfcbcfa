#!/usr/bin/env python3
"""Writes chunks.json: where the tokenizers package cuts rows longer than the maximum, in chunks and on either side.

    python tests/golden/text/make_chunk_goldens.py

Per case: length, max_length, stride (tokens a chunk repeats), chunks ([begin, end) each) and, as right and left, what
plain truncation keeps.
"""
import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers

HERE = Path(__file__).resolve().parent
CASES = [(n, m, s) for n in (1, 5, 6, 7, 11, 12, 13, 30, 100) for m in (2, 6, 12) for s in (0, 1, 5, 11) if s < m]


def span(encoding):
    return [encoding.ids[0], encoding.ids[-1] + 1]


def encode(length, max_length, stride, direction):
    tokenizer = Tokenizer(models.WordLevel({str(i): i for i in range(200)}, unk_token="0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(max_length, stride=stride, direction=direction)
    return tokenizer.encode(" ".join(map(str, range(length))))


def case(length, max_length, stride):
    right, left = (encode(length, max_length, stride, side) for side in ("right", "left"))
    return {"length": length, "max_length": max_length, "stride": stride,
            "chunks": [span(part) for part in (right, *right.overflowing)], "right": span(right), "left": span(left)}


def main():
    cases = ",\n".join(json.dumps(case(*one)) for one in CASES)
    (HERE / "chunks.json").write_text(f"[\n{cases}\n]\n")


main()
