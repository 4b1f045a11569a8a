"""The same work as one plain script: ``python -m flights.script FOLDER`` stores every intermediate result there."""

import json
import pickle
import sys
from pathlib import Path

from flights.work import build_features, clean, evaluate, extract, publish, train


def main(folder: Path) -> None:
    """Do the six steps and print the mean absolute error."""
    raw = extract()
    raw.to_parquet(folder / "raw.parquet")
    arrived = clean(raw)
    arrived.to_parquet(folder / "arrived.parquet")
    features = build_features(arrived)
    features.to_parquet(folder / "features.parquet")
    model = train(features)
    (folder / "model.pickle").write_bytes(pickle.dumps(model))
    evaluation = evaluate(model, features)
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    published = publish(evaluation)
    (folder / "published.json").write_text(json.dumps(published))
    print(json.dumps(published["mae"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
