"""Official files in the shape in which their publishers give them, with made-up rows."""

import io
from collections.abc import Iterable
from pathlib import Path

from coding.reference_files import ReferenceFile

PTP_HEADING = (
    '"CPT only copyright 2025 American Medical Association.  All rights reserved."\r\n'
    "Column1/Column 2 Edits\r\n"
    'Column 1\tColumn 2\t"*=in existence\nprior to 1996"\tEffective Date\t"Deletion Date\n*=no data"'
    '\t"Modifier\n0=not allowed\n1=allowed\n9=not applicable"\tPTP Edit Rationale\r\n'
)
MUE_PRACTITIONER = (
    '"CPT only copyright 2025 American Medical Association.  All rights reserved.",,,\r\n'
    "HCPCS/ CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\r\n"
    "77385,1,3 Date of Service Edit: Clinical,Clinical: Data\r\n"
    "77386,1,3 Date of Service Edit: Clinical,Clinical: Data\r\n"
    "77407,3,2 Date of Service Edit: Policy,Code Descriptor / CPT Instruction\r\n"
)
MUE_HOSPITAL = (
    "HCPCS/ CPT Code,Outpatient Hospital Services MUE Values,MUE Adjudication Indicator,MUE Rationale\r\n"
    "77386,2,3 Date of Service Edit: Clinical,Clinical: Data\r\n"
    "77407,1,3 Date of Service Edit: Clinical,Clinical: Data\r\n"
)
ADDENDUM_B = (
    "Addendum B.-OPPS Payment by HCPCS Code for CY 2026,,,,,,,\r\n"
    '"CPT codes and descriptions only are copyright 2025 American Medical Association.",,,,,,,\r\n'
    "HCPCS Code,Short Descriptor,SI,APC,Relative Weight,Payment Rate,National Unadjusted Copayment,"
    "Minimum Unadjusted Copayment\r\n"
    "77386,Somebody else's words,S,5623,6.6,$578.47,,$115.70\r\n"
    '77407,Somebody else\'s words,S,5622,4.5,"$1,394.05",,$78.81\r\n'
    "77387,Somebody else's words,N,,,,,\r\n"
)
PFS_RVU = (
    "2026 National Physician Fee Schedule Relative Value File January Release,,,,,,,,,,,,\r\n"
    '"CPT codes and descriptions only are copyright 2025 American Medical Association.",,,,,,,,,,,,\r\n'
    ",,,,NOT USED FOR,,NON-FAC,NON-FAC,,,NON-,,\r\n"
    ",,,STATUS,MEDICARE,WORK,PE,NA,MP,FACILITY,FACILITY,,CONV\r\n"
    "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,FACTOR\r\n"
    "77387,26,Somebody else's words,A,,0.70,0.30,,0.05,1.05,1.06,1,33.4009\r\n"
    "77407,,Somebody else's words,A,,0.00,6.40,,0.07,6.47,6.47,3,33.4009\r\n"
    "77386,,Somebody else's words,I,,0.00,0.00,,0.00,0.00,0.00,9,33.4009\r\n"
)
ICD10CM = "".join(
    f"{order:05d} {code:7} {flag} {short:60} {title}\r\n"
    for order, (code, flag, short, title) in enumerate(
        [
            ("C02", "0", "Malignant neoplasm of tongue", "Malignant neoplasm of other parts of tongue"),
            ("C021", "1", "Malignant neoplasm of border", "Malignant neoplasm of border of tongue"),
            ("C5099", "1", "A code of the next year", "A code that only the next year knows"),
        ],
        start=1,
    )
)
CPT_DESCRIPTORS = "Concept Id\tCPT Code\tLong\r\n1\t77407\tWords of the licensed file\r\n"


def ptp(*rows: str) -> str:
    """A PTP file with these rows, each its columns apart by blanks: column 1, column 2, from, until, modifier."""
    lines = []
    for row in rows:
        first, second, begins, ends, modifier = row.split()
        lines.append(
            f"{first}\t{second}\t\t{begins}\t{ends}\t{modifier}\tMisuse of column two code with column one code"
        )
    return PTP_HEADING + "".join(f"{line}\r\n" for line in lines)


def as_file(text: str | bytes, name: str = "file.txt") -> ReferenceFile:
    content = text if isinstance(text, bytes) else text.encode()
    return ReferenceFile(name, lambda: io.BytesIO(content))


def write(path: Path, lines: Iterable[str]) -> Path:
    with path.open("w", newline="") as out:
        out.writelines(lines)
    return path
