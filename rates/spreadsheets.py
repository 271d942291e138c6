"""
Cells of CSV files that no spreadsheet takes for a formula; pure functions.

Reference: https://owasp.org/www-community/attacks/CSV_Injection
What could be a formula gets an apostrophe in front, which spreadsheets do not show. Numbers stay as they are.
"""

import re

# Spreadsheets take the signs of full width too.
FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def escape_cell(text: str) -> str:
    """Return *text* as a cell that is not run."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def unescape_cell(cell: str) -> str:
    """Return the text that `escape_cell` has made *cell* of."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
