"""The methods that a matching engine is compared with, each as one would use it by its manual.

`python -m tests.bench.matching.rivals METHOD --kind … --vendor … --psa … --out …` speaks as the trial
does.  Where a method gives a likeness and no probability, that is its score; only `exact` maps by itself.
RapidFuzz compares every pair, so of long lists it is asked about a sample (`--sample`).
"""

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench.matching.models import Record

Ranked = dict[str, list[tuple[str, float]]]
Method = Callable[[Sequence[Record], Sequence[Record]], Ranked]

_TOP = 5


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.matching.rivals", description=__doc__)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--kind", choices=("accounts", "services"), required=True)
    for name in ("--vendor", "--psa", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument(
        "--sample", type=int, default=0, help="propose for so many vendor items only; 0 is all"
    )
    given = parser.parse_args(arguments)
    vendor, psa = (json.loads(path.read_text("utf-8")) for path in (given.vendor, given.psa))
    vendor = vendor[: given.sample or None]
    ranked: Ranked = {}
    for ours, theirs in _groups(vendor, psa):
        ranked |= METHODS[given.method](ours, theirs)
    auto = {item: found[0][0] for item, found in ranked.items()} if given.method == "exact" else {}
    proposals = {
        item: [{"psa_id": psa_id, "score": float(score)} for psa_id, score in found]
        for item, found in ranked.items()
    }
    given.out.write_text(json.dumps({"proposals": proposals, "auto": auto}), "utf-8")
    return 0


def text_of(item: Record) -> str:
    """Return what is compared: a name, or all that is written about a service or a product."""
    if "description" in item:
        return f"{item['identifier']} {item['description']}"
    fields = ("mpn", "name", "subscriptionPeriod", "billingPeriod")
    return " ".join(str(item[field]) for field in fields if field in item)


def exact(vendor: Sequence[Record], psa: Sequence[Record]) -> Ranked:
    """Propose what is equal, letter by letter, and alone with it on both sides: names, or part numbers."""
    theirs = Counter(_label(item) for item in psa)
    ours = Counter(_label(item) for item in vendor)
    owner = {_label(item): item["id"] for item in psa}
    return {
        item["id"]: [(owner[label], 1.0)]
        for item in vendor
        if theirs[label := _label(item)] == ours[label] == 1
    }


def _rapidfuzz(scorer: str) -> Method:
    def propose(vendor: Sequence[Record], psa: Sequence[Record]) -> Ranked:
        fuzz, process, utils = (import_module(f"rapidfuzz.{name}") for name in ("fuzz", "process", "utils"))
        choices = [utils.default_process(text_of(item)) for item in psa]
        ranked: Ranked = {}
        for item in vendor:
            query = utils.default_process(text_of(item))
            found = process.extract(query, choices, scorer=getattr(fuzz, scorer), limit=_TOP)
            ranked[item["id"]] = [(psa[at]["id"], score / 100) for _, score, at in found]
        return ranked

    return propose


def tf_idf(vendor: Sequence[Record], psa: Sequence[Record]) -> Ranked:
    """Propose the nearest by cosine of character trigrams, weighed by their rarity."""
    vectorizer = import_module("sklearn.feature_extraction.text").TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 3), dtype=import_module("numpy").float32
    )
    theirs = vectorizer.fit_transform(text_of(item) for item in psa)
    ours = vectorizer.transform(text_of(item) for item in vendor)
    best = import_module("sparse_dot_topn").sp_matmul_topn(
        ours, theirs.T.tocsr(), top_n=_TOP, n_threads=2, sort=True
    )
    ranked: Ranked = {}
    for at, item in enumerate(vendor):
        row = slice(best.indptr[at], best.indptr[at + 1])
        pairs = zip(best.indices[row], best.data[row], strict=True)
        ranked[item["id"]] = [(psa[place]["id"], min(1.0, float(score))) for place, score in pairs]
    return ranked


def linkage(vendor: Sequence[Record], psa: Sequence[Record]) -> Ranked:
    """Propose by Fellegi and Sunter's model, learnt without labels, among neighbours in the sorted names."""
    pandas, recordlinkage = import_module("pandas"), import_module("recordlinkage")
    frames = [pandas.DataFrame([_row(item) for item in items]) for items in (vendor, psa)]
    pairs = recordlinkage.Index()
    pairs.sortedneighbourhood("key", window=9)
    pairs.block("start")
    candidates = pairs.index(*frames)
    compare = recordlinkage.Compare()
    compare.string("key", "key", method="jarowinkler", threshold=0.92)
    compare.string("name", "name", method="qgram", threshold=0.7)
    compare.exact("postcode", "postcode")
    compare.exact("domain", "domain")
    features = compare.compute(candidates, *frames)
    likely = recordlinkage.ECMClassifier(binarize=0.5)
    likely.fit(features)
    found: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for (ours, theirs), score in likely.prob(features).items():
        found[vendor[ours]["id"]].append((psa[theirs]["id"], float(score)))
    return {item: sorted(ranked, key=lambda pair: -pair[1])[:_TOP] for item, ranked in found.items()}


METHODS: dict[str, Method] = {
    "exact": exact,
    "rapidfuzz token_set_ratio": _rapidfuzz("token_set_ratio"),
    "rapidfuzz WRatio": _rapidfuzz("WRatio"),
    "tf-idf": tf_idf,
    "recordlinkage": linkage,
}


def _row(item: Record) -> dict[str, Any]:
    name = text_of(item)
    key = re.sub(r"\W", "", name).casefold()
    domain = next(iter(item.get("domains", ())), None)
    return {"name": name, "key": key, "start": key[:5], "postcode": item.get("postcode"), "domain": domain}


def _label(item: Record) -> str:
    label: str = item.get("mpn") or item.get("identifier" if "description" in item else "name", "")
    return label


def _groups(vendor: Sequence[Record], psa: Sequence[Record]) -> Iterator[tuple[list[Record], list[Record]]]:
    """Yield the items of each tenant; accounts have none, and are one group."""
    for tenant in dict.fromkeys(item.get("tenant") for item in vendor):
        yield (
            [item for item in vendor if item.get("tenant") == tenant],
            [item for item in psa if item.get("tenant") == tenant],
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
