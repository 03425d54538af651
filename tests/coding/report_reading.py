"""Reports as their readers have them: the table of a page, a CSV file, a workbook."""

import csv
import re
import zipfile
from html.parser import HTMLParser
from io import BytesIO, StringIO
from xml.etree import ElementTree

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class ReportTable(HTMLParser):
    """The table of a report as a person reads it: rows of texts, and which of them are links to where."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.opens = [], []
        self.is_inside = self.is_cell = self.is_hidden = False
        self.place = 0
        self.feed(page)

    @property
    def links(self):
        """Each number that is a link, with its address."""
        return [(self.rows[row][place], url) for row, place, url in self.opens]

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        if tag == "table":
            self.is_inside = "report-table" in said.get("class", "")
        if self.is_inside and tag == "tr":
            self.rows.append([])
        if self.is_inside and tag in ("td", "th"):
            self.is_cell, self.place = True, len(self.rows[-1])
            self.rows[-1] += [""] * int(said.get("colspan") or 1)
        if self.is_inside and tag == "a":
            self.opens.append((len(self.rows) - 1, self.place, said["href"]))
        if tag == "span":
            self.is_hidden = "visually-hidden" in said.get("class", "")

    def handle_endtag(self, tag):
        self.is_inside &= tag != "table"
        self.is_cell &= tag not in ("td", "th")
        self.is_hidden &= tag != "span"

    def handle_data(self, data):
        if self.is_cell and not self.is_hidden:
            row = self.rows[-1]
            row[self.place] = f"{row[self.place]} {data.strip()}".strip()


def csv_rows(content):
    """The rows of a CSV file under its filters, headings first."""
    rows = list(csv.reader(StringIO(content.decode("utf-8-sig"))))
    return rows[rows.index([]) + 1 :] if [] in rows else rows


def xlsx_rows(content):
    """The rows of a workbook's sheet from its headings on, as texts."""
    book = zipfile.ZipFile(BytesIO(content))
    strings = [
        "".join(node.itertext())
        for node in ElementTree.fromstring(book.read("xl/sharedStrings.xml")).iter(f"{SHEET}si")
    ]
    sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    pane = sheet.find(f".//{SHEET}pane")
    rows = [[_text(cell, strings) for cell in row.iter(f"{SHEET}c")] for row in sheet.iter(f"{SHEET}row")]
    first_row_under_headings = int(pane.get("ySplit"))
    numbers = [int(row.get("r")) for row in sheet.iter(f"{SHEET}row")]
    return rows[numbers.index(first_row_under_headings) :]


def _text(cell, strings):
    value = cell.find(f"{SHEET}v")
    if value is None:
        return ""
    return strings[int(value.text)] if cell.get("t") == "s" else value.text


def sums_of(table, headings):
    """Each count under these headings as the sum of its rows and as the total says it."""
    first, *rows, total = table
    places = [place for place, heading in enumerate(first) if heading in headings and total[place].isdigit()]
    return [(sum(int(row[place]) for row in rows), int(total[place])) for place in places]


def plain(rows):
    """Numbers without what only readers need: 1,500.00 and $1,500 are 1500."""
    return [[_plain(text) for text in row] for row in rows]


def _plain(text):
    bare = text.replace(",", "").removeprefix("$")
    return f"{float(bare):g}" if re.fullmatch(r"-?\d+(\.\d+)?", bare) else text
