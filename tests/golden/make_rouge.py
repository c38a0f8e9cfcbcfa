"""Writes eval/rouge.json: ROUGE scores of hard pairs by Google's rouge-score, with and without its stemmer, and stems
by the stemmer it uses; the values our own must equal.

    pip install rouge_score==0.1.2 nltk==3.10.4 && python tests/golden/make_rouge.py
"""
import json
import pathlib
import random
from importlib.metadata import version

from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer

KINDS = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
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
    ("a b c d\ne f g", "a c e g\nb d f"),
    ("one two\n\nthree four five\n", "three five\ntwo one\none two three"),
    ("w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"),
    ("the cat sat\nthe cat sat", "the cat\nsat the cat sat the"),
    ("studies of happily dying relational skies\nproceed hopefully", "study happy die relation sky\nproceeding hopeful"),
]
STEMS = """sky skies dying lying tying news innings outing howe proceed exceed succeed ties dies died spied flies caresses
ponies cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling hissing fizzed
failing filing happy enjoy by say spy yyyy yes syzygy toy relational conditional rational valency hesitancy digitizer
conformably radically differently vilely analogously vietnamization predication operator feudalism decisiveness
hopefulness callousness formality sensitivity sensibility triplicate formative formalize electricity electrical hopeful
goodness revival allowance inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent
adoption homologous communism activate angularity effective bowdlerize probate rate cease controlling roll fully
geology theology hopefully rationally at bad ion lion legion ability able edible ale all well agree need kneed eed ing ed
s ss us is was bus lens 2nd 80s ab1ing nation on1ion unally totally""".split()
BASES = "relat operat form hop argu happ enjoy cri vital tri apolog fil roll".split()
ENDS = """s es ies ed ing y ily ization ational ator izer ness fulness iveness alism ement ance ence able ibility icate ize
ously ful ion ive al ally ical""".split()


def random_pairs(count):
    rng = random.Random(7)
    words = "alpha beta gamma delta 7 42 epsilon zeta eta theta".split()
    sentence = lambda: " ".join(rng.choice(words) for _ in range(rng.randint(1, 30)))
    lines = lambda: "\n".join(sentence() for _ in range(rng.randint(1, 3)))
    return [(sentence(), sentence()) for _ in range(count)] + [(lines(), lines()) for _ in range(count // 4)]


def main():
    plain, stemming = rouge_scorer.RougeScorer(KINDS), rouge_scorer.RougeScorer(KINDS, use_stemmer=True)
    rows = []
    for target, prediction in PAIRS + random_pairs(20):
        rows.append({"target": target, "prediction": prediction,
                     **{kind: list(score) for kind, score in plain.score(target, prediction).items()},
                     "stemmed_f": {kind: score.fmeasure for kind, score in stemming.score(target, prediction).items()}})
    out = pathlib.Path(__file__).parent / "eval" / "rouge.json"
    stemmer = PorterStemmer()
    words = STEMS + sorted({base + end for base in BASES for end in ENDS})
    content = {"made_with": f"rouge_score {version('rouge_score')}, nltk {version('nltk')}",
               "columns": "precision, recall, f", "rows": rows, "stems": {word: stemmer.stem(word) for word in words}}
    out.write_text(json.dumps(content, indent=None).replace("}, {", "},\n{") + "\n")


if __name__ == "__main__":
    main()
