"""Writes eval/rouge.json: ROUGE scores of hard pairs by Google's rouge-score, the values our own must equal.

    pip install rouge_score==0.1.2 && python tests/golden/make_rouge.py
"""
import json
import pathlib
import random
from importlib.metadata import version

from rouge_score import rouge_scorer

KINDS = ["rouge1", "rouge2", "rougeL"]
PAIRS = [
    ("libs", "libs"),
    ("libs", "libdevel"),
    ("", ""),
    ("", "words"),
    ("words", ""),
    ("...", "!?"),
    ("the the the cat", "the cat the the the the"),
    ("The quick brown fox jumps over the lazy dog", "the lazy dog jumps over the quick brown fox"),
    ("police killed the gunman", "police kill the gunman"),
    ("police killed the gunman", "the gunman kill police"),
    ("a_b-c.d", "A B C D"),
    ("it's 3.14", "its 3 14"),
    ("na\u00efve caf\u00e9", "na ve caf"),
    ("300 \u212a warm", "300 k warm"),  # the Kelvin sign lower-cases to an ASCII k
    ("\u0130stanbul", "i stanbul"),  # the dotted capital I to an ASCII i and a combining dot
    ("\u0130stanbul", "istanbul"),
    ("\uff21\uff22 \u00c5 \u212b", "ab a a"),
    ("\u65e5\u672c\u8a9e text \u0442\u0435\u043a\u0441\u0442", "text"),
    ("tabs\tand\nnewlines\r\n  many   spaces\u00a0here", "tabs and newlines many spaces here"),
    ("running runs ran", "run"),
    ("one", "one two three four five six seven eight nine ten"),
    ("x" * 500, "x" * 500 + " y"),
]


def random_pairs(count):
    rng = random.Random(7)
    words = "alpha beta gamma delta 7 42 epsilon zeta eta theta".split()
    sentence = lambda: " ".join(rng.choice(words) for _ in range(rng.randint(1, 30)))
    return [(sentence(), sentence()) for _ in range(count)]


def main():
    scorer = rouge_scorer.RougeScorer(KINDS)
    rows = []
    for target, prediction in PAIRS + random_pairs(20):
        scores = scorer.score(target, prediction)
        rows.append({"target": target, "prediction": prediction,
                     **{kind: list(scores[kind]) for kind in KINDS}})
    out = pathlib.Path(__file__).parent / "eval" / "rouge.json"
    content = {"made_with": "rouge_score " + version("rouge_score"), "columns": "precision, recall, f", "rows": rows}
    out.write_text(json.dumps(content, indent=None).replace("}, {", "},\n{") + "\n")


if __name__ == "__main__":
    main()
