"""Reading a treatment log: what counts as a session, what is left out, and what is refused."""

from datetime import datetime

import pytest

from portal import treatment_log_files
from portal.treatment_log_files import UnreadableLog, logged_sessions, read_folder, read_tables, read_uploads
from tests.portal.treatment_logs import (
    FIELD,
    IDENT,
    SAMPLE,
    SECOND_FIELD,
    SITE,
    make_log,
    make_tables,
    make_zip,
    named,
    treatment,
)


def test_sample_counts():
    log = read_folder(SAMPLE)

    sessions = logged_sessions(log.treated)

    assert len(sessions) == 6
    assert sum(len(session.deliveries) for session in sessions) == 7
    assert [session.is_partial for session in sessions] == [False, False, False, False, False, True]
    assert len(log.ignored) == 6
    assert log.broken == []


def test_sample_texts_lose_their_padding_and_history_yields_to_the_current_row():
    log = read_folder(SAMPLE)

    site = log.sites[41]

    assert (site.name, site.technique, site.dose_per_fraction_cgy, site.fractions) == (
        "Base of tongue",
        "VMAT",
        200,
        33,
    )
    assert log.patient_numbers[501] == "FX-900501"
    assert {row.machine_name for row in log.treated} == {"61", "62"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"WasCanceled": "True"}, "cancelled"),
        ({"WasQAMode": "True"}, "in QA mode"),
        ({"WasCanceled": "True", "WasQAMode": "True"}, "cancelled, in QA mode"),
        ({"WasBeamOn": "False"}, "the beam was never on"),
    ],
)
def test_row_that_is_no_treatment_is_ignored(changes, reason):
    log = make_log(treatment(1, **changes))

    assert log.treated == []
    assert [row.reason for row in log.ignored] == [reason]


@pytest.mark.parametrize(("second", "sessions"), [("11:04:59", 1), ("11:05:00", 2)])
def test_sessions_less_than_three_hours_from_row_to_row_are_one(second, sessions):
    log = make_log(treatment(1, "08:05:00"), treatment(2, second))

    assert len(logged_sessions(log.treated)) == sessions


def test_sessions_take_the_minutes_of_the_machine():
    log = make_log(treatment(1, "08:05:00"), treatment(2, "09:10:00"))

    assert len(logged_sessions(log.treated, lambda machine_name: 60)) == 2


def test_sessions_gap_counts_from_the_row_before_not_from_the_first():
    log = make_log(treatment(1, "08:00:00"), treatment(2, "10:30:00"), treatment(3, "13:00:00"))

    assert len(logged_sessions(log.treated)) == 1


def test_sessions_of_two_patients_are_never_one():
    log = make_log(
        treatment(1),
        treatment(2, Pat_ID1="502", SIT_ID="42", FLD_ID="811"),
        Site=[SITE, SITE | {"SIT_ID": "42", "SIT_SET_ID": "42", "Pat_ID1": "502"}],
        TxField=[FIELD, FIELD | {"FLD_ID": "811", "FLD_SET_ID": "811", "Pat_ID1": "502"}],
    )

    assert len(logged_sessions(log.treated)) == 2


def test_delivery_with_an_unfinished_field_is_partial():
    log = make_log(treatment(1, FLD_ID="801"), treatment(2, "08:10:00", FLD_ID="802", WasBeamComplete="False"))

    (session,) = logged_sessions(log.treated)

    assert session.is_partial
    assert [(d.fields_on, d.fields_complete) for d in session.deliveries] == [(2, 1)]


def test_delivery_field_finished_later_in_the_session_is_complete_across_versions():
    earlier = FIELD | {"FLD_ID": "790", "FLD_SET_ID": "801", "Version": "32000"}
    log = make_log(
        treatment(1, FLD_ID="790", WasBeamComplete="False"),
        treatment(2, "09:15:00", FLD_ID="801"),
        TxField=[FIELD, earlier],
    )

    (session,) = logged_sessions(log.treated)

    assert not session.is_partial
    assert session.started_at == datetime(2025, 12, 30, 8, 5)
    assert session.ended_at == datetime(2025, 12, 30, 9, 15, 30)


def test_end_is_unknown_where_the_row_was_edited_days_later():
    log = make_log(treatment(1, Edit_DtTm="2026-01-04 11:00:00"))

    assert logged_sessions(log.treated)[0].ended_at is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"TTX_ID": ""}, "TTX_ID is empty where a whole number"),
        ({"Create_DtTm": "yesterday"}, 'Create_DtTm is "yesterday"'),
        ({"Create_DtTm": "2025-12-30 25:00:00"}, "Create_DtTm"),
        ({"Create_DtTm": "2025-12-30 08:05:00+01:00"}, "without a zone"),
        ({"Create_DtTm": "1899-12-30 00:00:00"}, "lies outside 2000 to 2099"),
        ({"WasBeamOn": "perhaps"}, "True or False"),
        ({"SIT_ID": "99"}, "SIT_ID 99 is not among the sound rows of Site.csv"),
        ({"FLD_ID": "99"}, "FLD_ID 99 is not among the sound rows of TxField.csv"),
        ({"Pat_ID1": "502"}, "belongs to another patient"),
        ({"TTX_ID": "99999999999999999999"}, "TTX_ID"),
    ],
)
def test_broken_row_is_reported_and_loses_none_of_the_others(changes, words):
    log = make_log(treatment(1), treatment(2, **changes), treatment(3))

    assert [row.key for row in log.treated] == [1, 3]
    assert [(row.file, row.line) for row in log.broken] == [("TrackTreatment.csv", 3)]
    assert words in log.broken[0].reason


def test_broken_row_repeats_a_key():
    log = make_log(treatment(1), treatment(1, "09:00:00"))

    assert len(log.treated) == 1
    assert log.broken[0].reason == "TTX_ID 1 stands in line 2 already; that one counts."


@pytest.mark.parametrize("line", ['7,501,801,"41,61,never closed', "7,501", "7" + ",x" * 30])
def test_broken_line_leaves_the_lines_after_it_alone(line):
    tables = make_tables(treatment(1), treatment(2))
    first, second, third = tables["TrackTreatment"].decode().splitlines()
    content = "\n".join([first, second, line, third]).encode()

    log = read_tables(tables | {"TrackTreatment": content})

    assert [row.key for row in log.treated] == [1, 2]
    assert [row.line for row in log.broken] == [3]


def test_row_cut_short_behind_everything_that_is_wanted_is_read():
    content = b"FLD_ID,FLD_SET_ID,Version,Pat_ID1,Notes,Meterset\n801,801,0,501,long not"

    log = make_log(treatment(1), TxField=content)

    assert len(log.treated) == 1
    assert log.broken == []


def test_row_cut_short_within_what_is_wanted_is_broken():
    content = b"FLD_ID,FLD_SET_ID,Version,Pat_ID1,Notes\n801,801,0,50"

    log = make_log(treatment(1), TxField=content)

    assert [row.file for row in log.broken] == ["TxField.csv", "TrackTreatment.csv"]


def test_quoted_text_may_hold_line_ends_and_quotation_marks():
    header = b"SIT_ID,SIT_SET_ID,Version,Pat_ID1,Site_Name,Technique,Dose_Tx,Fractions\n"
    content = header + b'41,41,0,501,"6"" bolus,\nleft",,1,2\n'

    log = make_log(treatment(1), Site=content)

    assert log.sites[41].name == '6" bolus,\nleft'


def test_site_with_a_number_beyond_all_measure_is_read_without_it():
    log = make_log(treatment(1), Site=[SITE | {"Dose_Tx": "9" * 400, "Fractions": "0"}])

    assert (log.sites[41].dose_per_fraction_cgy, log.sites[41].fractions) == (None, None)


def test_key_with_digits_without_end_is_broken():
    log = make_log(treatment(1, TTX_ID="9" * 5_000))

    assert [row.line for row in log.broken] == [2]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_as_exports_write_it(encoding):
    rows = "SIT_ID,SIT_SET_ID,Version,Pat_ID1,Site_Name,Technique,Dose_Tx,Fractions\r\n41,41,0,501,Königsfeld,,1,2\r\n"

    log = make_log(treatment(1), Site=rows.encode(encoding))

    assert log.sites[41].name == "Königsfeld"


def test_repeated_rows_of_the_other_tables_are_broken():
    log = make_log(treatment(1), Site=[SITE, SITE], TxField=[FIELD, FIELD, SECOND_FIELD], Ident=[IDENT, IDENT])

    assert len(log.treated) == 1
    assert {(row.file, row.line) for row in log.broken} == {("Site.csv", 3), ("TxField.csv", 3), ("Ident.csv", 3)}


@pytest.mark.parametrize(
    ("table", "content", "words"),
    [
        ("Site", b"", "Site.csv is empty"),
        ("Site", b"SIT_ID,Version\n41,0\n", "Site.csv: the column SIT_SET_ID is missing"),
        ("Ident", b"Pat_Id1,IDA,IDA,Version\n", "Ident.csv: the column IDA stands there 2 times"),
        ("TxField", b"x" * 200_000, "TxField.csv: the first line cannot be read"),
    ],
)
def test_log_with_an_unreadable_table_is_refused(table, content, words):
    tables = make_tables() | {table: content}

    with pytest.raises(UnreadableLog, match=words):
        read_tables(tables)


def test_log_without_a_table_is_refused():
    tables = make_tables()
    del tables["Ident"]

    with pytest.raises(UnreadableLog, match=r"Ident\.csv is missing"):
        read_tables(tables)


def test_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(UnreadableLog, match="is not a folder"):
        read_folder(tmp_path / "nowhere")


def test_folder_leaves_other_files_alone(tmp_path):
    files = named(make_tables()) | {"SOURCES.md": b"whose"}
    [(tmp_path / name).write_bytes(content) for name, content in files.items()]

    assert len(read_folder(tmp_path).treated) == 1


def test_uploads_as_zip_with_a_folder_and_a_macs_litter():
    files = {f"export/{name}": content for name, content in named(make_tables()).items()}

    log = read_uploads([("log.zip", make_zip(files | {"__MACOSX/._Site.csv": b"x", "export/.DS_Store": b"x"}))])

    assert len(log.treated) == 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../Site.csv": b"x"}, "outside its own folder"),
        ({"/etc/Site.csv": b"x"}, "outside its own folder"),
        ({"..\\Site.csv": b"x"}, "outside its own folder"),
        ({"inner.zip": b"PK"}, "a zip within the zip"),
        ({"setup.exe": b"MZ"}, "not a CSV file"),
        ({"Other.csv": b"x"}, "Other.csv is not part of a treatment log"),
        ({"a/Site.csv": b"x", "b/Site.csv": b"x"}, "Site.csv is there twice"),
        ({f"{n}.csv": b"x" for n in range(21)}, "holds 21 files"),
    ],
)
def test_uploads_hostile_zip_is_refused(files, words):
    content = make_zip(files)

    with pytest.raises(UnreadableLog, match=words):
        read_uploads([("log.zip", content)])


def test_uploads_zip_bomb_is_refused_without_unpacking_it_all(monkeypatch):
    monkeypatch.setattr(treatment_log_files, "MOST_BYTES", 1024 * 1024)
    content = make_zip({"Site.csv": b"0" * 20 * 1024 * 1024})

    with pytest.raises(UnreadableLog, match="unpacks to more than 1 MB"):
        read_uploads([("log.zip", content)])


@pytest.mark.parametrize("content", [b"PK\x03\x04 not a zip", b"nothing at all"])
def test_uploads_that_is_no_zip_is_refused(content):
    with pytest.raises(UnreadableLog, match="not a zip that can be read"):
        read_uploads([("log.zip", content)])


def test_uploads_damaged_zip_is_refused():
    content = bytearray(make_zip({"Site.csv": bytes(range(256)) * 40}))
    content[60:90] = b"\xff" * 30

    with pytest.raises(UnreadableLog, match="damaged"):
        read_uploads([("log.zip", bytes(content))])


def test_uploads_locked_zip_is_refused():
    content = bytearray(make_zip({"Site.csv": b"x"}))
    content[content.index(b"PK\x01\x02") + 8] |= 0x1

    with pytest.raises(UnreadableLog, match="locked with a password"):
        read_uploads([("log.zip", bytes(content))])


def test_uploads_file_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(treatment_log_files, "MOST_ROWS", 3)

    with pytest.raises(UnreadableLog, match="more than 3 lines"):
        make_log(treatment(1), treatment(2), treatment(3))
