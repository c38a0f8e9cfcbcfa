"""Writes eval/text_metrics.json: BLEU by sacrebleu (defaults; of single answers with its effective order) and SQuAD's
exact match and F1 by torchmetrics, of hard pairs; the values our own must equal.

    pip install sacrebleu==2.6.0 torchmetrics && python tests/golden/make_text_metrics.py
"""
import json
import pathlib
import random
from importlib.metadata import version

from sacrebleu.metrics import BLEU
from torchmetrics.functional.text.squad import squad

PAIRS = [  # expected, answer
    ("libs", "libs"),
    ("libs", "Libs."),
    ("", ""),
    ("", "words"),
    ("words", ""),
    ("the", "a an the"),
    ("the cat", "A cat, the cat!"),
    ("Beyonc\u00e9 Giselle Knowles-Carter", "beyonc\u00e9 giselle knowles carter"),
    ("the theatre and an anthem", "theatre anthem and"),
    ("\u201cthe\u201d end \u2013the", "\u201c end"),
    ("t\u0068\u0301e a\u0308", "an a\u0308"),  # combining marks are no letters
    ("\u0130stanbul \u00c4RA \u0416\u0423\u041a", "i\u0307stanbul \u00e4ra \u0436\u0443\u043a"),
    ("the cat is on the mat.", "there is a cat on the mat"),
    ("It costs $3.50, or 1,000 yen -- 5-6 times.", "It costs $ 3.50, or 1,000 yen - 5-6 times."),
    ("A.B,C 1.2,3 .5 5. ,x x, 3-4 -5 a-b", "A . B , C 1.2,3 . 5 5 . , x x , 3 - 4 -5 a-b"),
    ("&quot;quoted&quot; &amp; &lt;tag&gt; &amp;lt;", "\"quoted\" & <tag> &lt;"),
    ("hyphen-\nated <skipped>line\nnext", "hyphenated line next"),
    ("ends with -\n", "ends with -"),
    ("tab\tand\u00a0no-break\u2003space\u001funit", "tab and no-break space unit"),
    ("\u65e5\u672c\u8a9e\u3002text.\u0442\u0435\u043a\u0441\u0442", "\u65e5\u672c\u8a9e \u3002 text . \u0442\u0435\u043a\u0441\u0442"),
    ("..., ,,. 1..2 3.,4", ". . . , , , . 1 . . 2 3 . , 4"),
    ("one two three four five", "one two three"),
    ("one two three", "one two three four five six"),
    ("one", "one one one one one"),
    ("isn't it [a] (b) {c} ~d ^e `f' /g @h #i", "isn ' t it [ a ] ( b ) { c } ~ d ^ e ` f ' / g @ h # i"),
]
REFERENCES = [  # an answer with several references
    ("the cat sat on the mat today", ["a cat sat on the mat", "the cat is sitting on the mat", "cat on mat"]),
    ("one two three four five", ["one two three four", "one two three four five six"]),  # equally close: the shorter
    ("alpha beta", ["gamma", "alpha beta gamma delta", "beta alpha"]),
]


def random_pairs(count):
    rng = random.Random(11)
    words = "the a green house, is. on 3.5 top-most; (old) hill & dale \u00fcber".split(" ")
    sentence = lambda: " ".join(rng.choice(words) for _ in range(rng.randint(1, 25)))
    return [(sentence(), sentence()) for _ in range(count)]


def squad_scores(expected, answer):
    scores = squad([{"prediction_text": answer, "id": "0"}], [{"answers": {"answer_start": [0], "text": [expected]}, "id": "0"}])
    return float(scores["exact_match"]) / 100, float(scores["f1"]) / 100


def main():
    sentence, corpus = BLEU(effective_order=True), BLEU()
    pairs = PAIRS + random_pairs(20)
    rows = []
    for expected, answer in pairs:
        exact, f1 = squad_scores(expected, answer)
        rows.append({"expected": expected, "answer": answer, "bleu": sentence.sentence_score(answer, [expected]).score,
                     "words": BLEU().tokenizer(answer.rstrip()).split(), "squad_exact_match": exact, "squad_f1": f1})
    corpora = []
    for first, last in [(0, len(pairs)), (0, 1), (0, 6), (20, 25), (25, 45)]:
        part = pairs[first:last]
        corpora.append({"first": first, "last": last,
                        "bleu": corpus.corpus_score([a for _, a in part], [[e for e, _ in part]]).score})
    longest = max(len(references) for _, references in REFERENCES)
    columns = [[references[min(i, len(references) - 1)] for _, references in REFERENCES] for i in range(longest)]
    several = {"rows": [{"answer": answer, "references": references, "bleu": sentence.sentence_score(answer, references).score}
                        for answer, references in REFERENCES],
               "bleu": corpus.corpus_score([answer for answer, _ in REFERENCES], columns).score}
    out = pathlib.Path(__file__).parent / "eval" / "text_metrics.json"
    content = {"made_with": f"sacrebleu {version('sacrebleu')}, torchmetrics {version('torchmetrics')}", "rows": rows,
               "corpora": corpora, "several_references": several}
    out.write_text(json.dumps(content).replace("}, {", "},\n{") + "\n")


if __name__ == "__main__":
    main()
