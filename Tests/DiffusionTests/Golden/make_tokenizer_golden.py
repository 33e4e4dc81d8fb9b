"""Makes data/tokenizer: what transformers' CLIPTokenizer makes of 1,000 texts, and as much of CLIP's vocabulary as they need.

    pip install transformers==5.23.0 open_clip_torch==3.3.0 --no-deps
    python make_tokenizer_golden.py SITE_PACKAGES/open_clip/bpe_simple_vocab_16e6.txt.gz [FOLDER]

The vocabulary is OpenAI CLIP's (https://github.com/openai/CLIP, MIT licence, (c) 2021 OpenAI). Kept are the bytes, and every
merge that could apply at any stage of encoding one of the texts, not only those that do; ids are the real ones, with gaps.
FOLDER, if given, receives the whole tokenizer, as the folders of Stable Diffusion hold it.

  vocab.json, merges.txt, sd{1,2}/special_tokens_map.json, sd{1,2}/tokenizer_config.json
  texts.json   [[text, ids of 1.x, ids of 2.x or null where they are the same], ...]: start, at most 75 tokens, end; no padding
"""

import gzip
import json
import pathlib
import random
import re
import shutil
import sys
import tempfile
import unicodedata

from make_golden import DATA, END, START, byte_symbols, write_json, write_tokenizer_files
from recording import VERSIONS
from transformers import CLIPTokenizer

WORDS = """
a photo of an astronaut riding a horse on mars cryo-electron tomogram mitochondria ribosome membrane the in
situ nucleus it's don't we're they've I'm you'll he'd rock'n'roll 'tis O'Neill e.g. 3.14 1,024 2024 x86_64
state-of-the-art grayscale micrograph vesicle naïve café Ångström Straße ŒUVRE İstanbul ΣΊΣΥΦΟΣ привет мир
電子顕微鏡 細胞 안녕 مرحبا שלום नमस्ते ไทย ½ ² Ⅷ ٣ ﬁ ſ Å 🙂 👩‍🔬 é ñ # @ $5 50% (x) "q" !? ... --- ™ <|startoftext|>
<|endoftext|> <|EndOfText|> <|STARTOFTEXT|>!! ! !! hello! :-) ''s ' '' s' 'S 'Ll
""".split()
SPACES = [" ", " ", " ", "  ", "\n", "\t", "\u00a0", "\u3000", "\u2009", "\x85", "\u2028", "", ""]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
ASCII = "".join(map(chr, range(32, 127)))
# Characters of Unicode 3.2, so that no library is too old to know them.
UNICODE = [
    chr(code) for code in range(0x80, 0x2FFFF)
    if unicodedata.ucd_3_2_0.category(chr(code)) not in ("Cn", "Cs", "Co") and (code < 0x3400 or code % 37 == 0)
]


def texts(count, seed):
    source = random.Random(seed)
    fixed = [
        "", " ", "a photo of an astronaut riding a horse on mars", "a" * 300, "word " * 100, "\0a\x01b\x1f", "\ufeffx\u200by",
        "e\u0301\u0327", "1234567890", "!" * 200, "<|endoftext|>" * 3 + " a", "don'tx ''s 'RE'Ve",
        "\U0001f469\u200d\U0001f52c" * 3, "क्षि", "日本語テスト",
    ]
    for text in fixed:
        yield text
    for index in range(count - len(fixed)):
        kind = index % 6
        if kind <= 1:
            parts = [source.choice(WORDS) for _ in range(source.randint(1, 12))]
            yield "".join(part + source.choice(SPACES) for part in parts)
        elif kind == 2:
            parts = ["".join(source.choices(LETTERS, k=source.randint(1, 9))) for _ in range(source.randint(1, 5))]
            yield source.choice(SPACES).join(parts)
        elif kind == 3:
            yield "".join(source.choices(ASCII, k=source.randint(1, 25)))
        elif kind == 4:
            yield "".join(source.choices(UNICODE, k=source.randint(1, 9)))
        else:
            number = source.randint(1, 6)
            parts = [source.choice(WORDS)[: source.randint(1, 9)] + source.choice(UNICODE + SPACES * 50) for _ in range(number)]
            yield "".join(parts)


def needed(word, ranks, seen):
    """Encodes a word of byte symbols, and notes every pair on the way that is a merge."""
    parts = [*word[:-1], word[-1] + "</w>"]
    while True:
        pairs = {pair for pair in zip(parts, parts[1:]) if pair in ranks}
        if not pairs:
            return
        seen |= pairs
        best = min(pairs, key=ranks.get)
        index = next(i for i in range(len(parts)) if tuple(parts[i : i + 2]) == best)
        parts[index : index + 2] = ["".join(best)]


def encode(folder, texts):
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    padded = tokenizer("", padding="max_length", max_length=77).input_ids
    assert padded == [49406, 49407] + [tokenizer.pad_token_id] * 75
    return [tokenizer(text, truncation=True, max_length=77).input_ids for text in texts]


def main(source, whole=None):
    lines = gzip.decompress(pathlib.Path(source).read_bytes()).decode().split("\n")
    merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    symbols = byte_symbols()
    tokens = [*symbols, *(s + "</w>" for s in symbols), *("".join(merge) for merge in merges), START, END]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    assert len(vocabulary) == 49408
    chosen = list(dict.fromkeys(texts(1100, seed=7)))[:1000]
    folders = {"sd1": END, "sd2": "!"}
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(whole or temporary)
        for name, pad in folders.items():
            write_tokenizer_files(root / name, vocabulary, merges, pad)
        ids = {name: encode(root / name, chosen) for name in folders}
        backend = CLIPTokenizer.from_pretrained(root / "sd1").backend_tokenizer
    assert ids["sd1"][2] == [49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496, 49407]

    ranks = {merge: rank for rank, merge in enumerate(merges)}
    seen = set()
    for text in chosen:
        for part in {text, re.sub(r"(?i)<\|(start|end)oftext\|>", " ", text), text.replace("!", " "), *re.split(r"!", text)}:
            for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(part)):
                needed(word, ranks, seen)
    kept = [merge for merge in merges if merge in seen]
    # A merge's two sides are tokens too, made by merges that are not always kept.
    names = {*symbols, *(s + "</w>" for s in symbols), START, END}
    names |= {"".join(merge) for merge in kept} | {side for merge in kept for side in merge}
    trimmed = {token: index for token, index in vocabulary.items() if token in names}

    data = DATA / "tokenizer"
    shutil.rmtree(data, ignore_errors=True)
    for name, pad in folders.items():
        write_tokenizer_files(data / name, trimmed, kept, pad)
        assert encode(data / name, chosen) == ids[name], "the trimmed vocabulary encodes differently"
        for file in ("vocab.json", "merges.txt"):
            (data / name / file).replace(data / file)
    rows = [[text, one, two if two != one else None] for text, one, two in zip(chosen, ids["sd1"], ids["sd2"])]
    (data / "texts.json").write_text("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
    (data / "vocab.json").write_text(json.dumps(trimmed, ensure_ascii=False, separators=(",", ":")) + "\n")
    write_json(data / "golden.json", dict(vocabulary="OpenAI CLIP, MIT licence", versions=VERSIONS))
    print(len(chosen), "texts,", len(kept), "merges,", sum(p.stat().st_size for p in data.rglob("*") if p.is_file()), "bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
