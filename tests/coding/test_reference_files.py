"""Official reference files: the shapes that are read, and what is refused by line, column and remedy."""

import io
import zipfile

import pytest

from coding.models import ReferenceKind
from coding.reference_files import ReferenceFileError, read_rows
from tests.coding import reference_samples as samples

PTP = samples.ptp("77386 77387 20150101 * 0", "77386 77402 20150101 20251231 1")


def rows(kind, *files) -> dict:
    return dict(row for _place, row in read_rows(kind, files))


def zipped(**texts) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name.replace("__", "."), text)
    return out.getvalue()


def test_read_rows_of_pairs():
    found = rows(ReferenceKind.PTP_HOSPITAL, samples.as_file(PTP))

    assert found == {
        "77386|77387|20150101": {"from": "2015-01-01", "indicator": 0},
        "77386|77402|20150101": {"from": "2015-01-01", "indicator": 1, "until": "2025-12-31"},
    }


def test_read_rows_of_pairs_in_several_parts():
    parts = [samples.as_file(samples.ptp(f"77386 {code} 20150101 * 0")) for code in ("77387", "77402")]

    assert set(rows(ReferenceKind.PTP_HOSPITAL, *parts)) == {"77386|77387|20150101", "77386|77402|20150101"}


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (ReferenceKind.MUE_PRACTITIONER, samples.MUE_PRACTITIONER, {"units": 3, "adjudication": 2}),
        (ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL, {"units": 1, "adjudication": 3}),
        (ReferenceKind.ADDENDUM_B, samples.ADDENDUM_B, {"status": "S", "apc": "5622", "amount": "1394.05"}),
        (ReferenceKind.CPT_DESCRIPTORS, samples.CPT_DESCRIPTORS, {"text": "Words of the licensed file"}),
    ],
)
def test_read_rows_of_a_code(kind, text, found):
    assert rows(kind, samples.as_file(text))["77407"] == found


def test_read_rows_of_relative_values():
    found = rows(ReferenceKind.PFS_RVU, samples.as_file(samples.PFS_RVU))

    assert found["77387|26"] == {"status": "A", "units": "1.05", "facility_units": "1.06", "factor": "33.4009"}
    assert set(found) == {"77387|26", "77407|", "77386|"}


def test_read_rows_of_diagnoses():
    found = rows(ReferenceKind.ICD10CM, samples.as_file(samples.ICD10CM))

    assert found["C02"]["billable"] is False
    assert found["C02.1"] == {"billable": True, "title": "Malignant neoplasm of border of tongue"}


@pytest.mark.parametrize("kind", [ReferenceKind.ADDENDUM_B, ReferenceKind.PFS_RVU])
def test_read_rows_keeps_no_descriptor_of_a_public_file(kind):
    text = {ReferenceKind.ADDENDUM_B: samples.ADDENDUM_B, ReferenceKind.PFS_RVU: samples.PFS_RVU}[kind]

    assert "Somebody" not in str(rows(kind, samples.as_file(text)))


def test_read_rows_takes_the_meant_file_of_a_zip():
    content = zipped(GPCI2026__csv="other,table", PPRRVU2026_Jan__csv=samples.PFS_RVU, readme__pdf="x")

    assert len(rows(ReferenceKind.PFS_RVU, samples.as_file(content, "rvu26a.zip"))) == 3


def test_read_rows_takes_every_part_of_a_zip_of_pairs():
    content = zipped(f1__txt=samples.ptp("77386 77387 20150101 * 0"), f2__TXT=samples.ptp("77386 77402 20150101 * 0"))

    assert len(rows(ReferenceKind.PTP_HOSPITAL, samples.as_file(content, "ptp.zip"))) == 2


def test_read_rows_reads_what_windows_wrote():
    text = samples.ICD10CM.replace("border of tongue", "Ménière").encode("cp1252")

    assert rows(ReferenceKind.ICD10CM, samples.as_file(text))["C02.1"]["title"].endswith("Ménière")


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("ptp_hospital", PTP.replace("77387\t", "7738\t"), "file.txt, line 9, column Column 2: '7738' is not allowed"),
        ("ptp_hospital", PTP.replace("20150101\t*", "20151301\t*"), "Effective Date: '20151301' is not allowed"),
        ("ptp_hospital", PTP.replace("20251231", "never"), "line 10, column Deletion Date *=no data: 'never'"),
        ("ptp_hospital", PTP.replace("\t0\tMisuse", "\t7\tMisuse"), "It must be 0, 1 or 9"),
        ("ptp_hospital", PTP.replace("77387\t\t20150101\t*\t0\tMis", "77387\tMis"), "has 3 columns"),
        ("ptp_hospital", samples.MUE_HOSPITAL, "has no row that names the columns Column 1, Column 2"),
        ("ptp_hospital", "\n" * 3, "has no row that names the columns"),
        ("mue_hospital", samples.MUE_PRACTITIONER, "Check that it is a file of this kind"),
        ("mue_practitioner", samples.MUE_PRACTITIONER.replace("77407,3", "77407,3.5"), "It must be a whole number"),
        ("mue_practitioner", samples.MUE_PRACTITIONER.replace("2 Date", "Date"), "It must begin with 1, 2 or 3"),
        ("addendum_b", samples.ADDENDUM_B.replace("$578.47", "n/a"), "'n/a' is not allowed. It must be an amount"),
        ("addendum_b", samples.ADDENDUM_B.replace("$578.47", "NaN"), "It must be an amount"),
        ("pfs_rvu", samples.PFS_RVU.replace("77387,26", "77387,2 6"), "a modifier of two characters"),
        ("icd10cm", samples.ICD10CM.replace("00002 C021", "00002 C0?1"), "line 2: '00002 C0?1"),
        ("cpt_descriptors", samples.CPT_DESCRIPTORS.replace("Words of the licensed file", ""), "Each code has one"),
    ],
)
def test_read_rows_refuses_by_line_column_and_remedy(kind, text, said):
    with pytest.raises(ReferenceFileError) as refused:
        rows(kind, samples.as_file(text))

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(a__pdf="x"), "x.zip: holds no .txt and no .csv. Send the one table"),
        (zipped(a__csv="x", b__csv="y"), "x.zip: holds a.csv, b.csv. Send the one table"),
        (zipped(a__csv=samples.MUE_HOSPITAL)[:-30] + b"\0" * 30, "Send the file as it was published"),
    ],
)
def test_read_rows_refuses_a_zip_without_the_one_table(content, said):
    with pytest.raises(ReferenceFileError) as refused:
        rows(ReferenceKind.MUE_HOSPITAL, samples.as_file(content, "x.zip"))

    assert said in str(refused.value)
