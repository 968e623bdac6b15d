"""An engine of a few lines, to test the measurement with: proposes what shares the first word."""

import argparse
import json
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind")
    parser.add_argument("--fail", action="store_true")
    for name in ("--vendor", "--psa", "--out"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    if given.fail:
        parser.error("told to fail")
    vendor, psa = (json.loads(path.read_text("utf-8")) for path in (given.vendor, given.psa))
    texts = {item["id"]: item.get("name") or item.get("description", "") for item in psa}
    names = {text: psa_id for psa_id, text in texts.items()}
    firsts = {text.split()[0].casefold(): psa_id for psa_id, text in texts.items() if text.split()}
    proposals = {}
    for item in vendor:
        words = item["name"].split() or [""]
        if found := firsts.get(words[0].casefold()):
            proposals[item["id"]] = [{"psa_id": found, "score": 0.6}]
        if item["name"] in names:
            proposals[item["id"]] = [{"psa_id": names[item["name"]], "score": 1.0}]
    given.out.write_text(json.dumps({"proposals": proposals, "auto": {}}), "utf-8")


if __name__ == "__main__":
    main()
