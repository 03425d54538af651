"""Small treatment logs: valid by default, so that a test states only what matters to it."""

import csv
import io
import zipfile
from pathlib import Path

from portal.treatment_log_files import TreatmentLog, read_tables

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "treatment_log"
TREATMENT = {
    "TTX_ID": "1",
    "Pat_ID1": "501",
    "FLD_ID": "801",
    "SIT_ID": "41",
    "Machine_ID_Staff_ID": "61",
    "Create_DtTm": "2025-12-30 08:05:00",
    "Edit_DtTm": "2025-12-30 08:07:00",
    "WasQAMode": "False",
    "WasBeamOn": "True",
    "WasBeamComplete": "True",
    "WasCanceled": "False",
}
SITE = {
    "SIT_ID": "41",
    "SIT_SET_ID": "41",
    "Version": "0",
    "Pat_ID1": "501",
    "Site_Name": "Base of tongue",
    "Technique": "",
    "Dose_Tx": "200.0",
    "Fractions": "33",
}
FIELD = {"FLD_ID": "801", "FLD_SET_ID": "801", "Version": "0", "Pat_ID1": "501"}
SECOND_FIELD = FIELD | {"FLD_ID": "802", "FLD_SET_ID": "802"}
IDENT = {"Pat_Id1": "501", "IDA": "FX-900501", "Version": "0"}


def treatment(key: int, time: str = "08:05:00", **changes: str) -> dict[str, str]:
    """A complete field of 2025-12-30 that started at a time of day and took half a minute."""
    start = f"2025-12-30 {time}"
    return TREATMENT | {"TTX_ID": str(key), "Create_DtTm": start, "Edit_DtTm": f"{start[:-2]}30"} | changes


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def make_tables(*treatments: dict[str, str], **tables: list[dict[str, str]] | bytes) -> dict[str, bytes]:
    """The four tables of a log with these treatment rows; `tables` replaces others by name, as rows or as content."""
    rows = {
        "TrackTreatment": list(treatments) or [TREATMENT],
        "Site": [SITE],
        "TxField": [FIELD, SECOND_FIELD],
        "Ident": [IDENT],
    } | tables
    return {name: content if isinstance(content, bytes) else as_csv(content) for name, content in rows.items()}


def make_log(*treatments: dict[str, str], **tables: list[dict[str, str]] | bytes) -> TreatmentLog:
    return read_tables(make_tables(*treatments, **tables))


def make_zip(files: dict[str, bytes]) -> bytes:
    """A zip of files by name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def named(tables: dict[str, bytes]) -> dict[str, bytes]:
    """The tables by the names of their files."""
    return {f"{table}.csv": content for table, content in tables.items()}
