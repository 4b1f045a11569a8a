"""Looks for what is personal: VINs and telephone numbers of the source."""

import re
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pyarrow.parquet as pq

PHONE = re.compile(r"(?<!\d)\(?(\d{3})\)?[\s.\-]{0,3}(\d{3})[\s.\-]{0,3}(\d{4})(?!\d)")
SHORTEST_VIN = 7
"""One VIN of the source is the text 113: so short that it is found in any number."""


class Personal:
    """Every VIN, and every telephone number in a description, of the data package."""

    def __init__(self, source: pd.DataFrame) -> None:
        self.vins = {vin for vin in source["VIN"].dropna() if len(vin) >= SHORTEST_VIN}
        self.phones = {phone for text in source["description"].dropna() for phone in _phones(text)}

    def find(self, text: str) -> set[str]:
        found = {phone for phone in _phones(text) if phone in self.phones}
        lengths = {len(vin) for vin in self.vins}
        for word in re.findall(rf"[A-Z0-9]{{{SHORTEST_VIN},}}", text.upper()):
            pieces = {word[start : start + length] for length in lengths for start in range(len(word) - length + 1)}
            found |= pieces & self.vins
        return found


def _phones(text: str) -> Iterable[str]:
    return ("".join(match.groups()) for match in PHONE.finditer(text))


def read_text(path: Path) -> str:
    """All that a file of the store says: its bytes, and what they hold once they are not compressed any more."""
    content = path.read_bytes()
    texts = [content.decode("latin-1")]
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        texts += [str(table.schema.metadata), *(str(column.to_pylist()) for column in table.columns)]
    if path.suffix == ".zip":
        with ZipFile(path) as packed:
            texts += [packed.read(name).decode("latin-1") for name in packed.namelist()]
    return "\n".join(texts)
