"""CDNOW: the real brand of this workbook, converted from the file the literature uses.

The purchases of 23,570 people who first bought at the music store CDNOW in the first quarter of 1997, up to
June 1998. The file `CDNOW_master.txt` ships in the PyPI wheel of the package Lifetimes:

    pip download lifetimes==0.11.3 --no-deps && unzip Lifetimes-0.11.3-py3-none-any.whl
    python -c "from pathlib import Path; from siyu_helpers.data import cdnow; \\
        text = Path('lifetimes/datasets/CDNOW_master.txt').read_text('ascii'); \\
        Path('data/raw/cdnow/orders.csv').write_text(cdnow.convert(text), 'ascii')"

Source: Fader, P. S. and Hardie, B. G. S., "Notes on the CDNOW Master Data Set", brucehardie.com/notes/026/.
"""

MASTER_SHA256 = "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef"
MASTER_HEADER = ["customer_id", "date", "number_of_cds", "dollar_value"]


def convert(master_text: str) -> str:
    """Rewrite the CDNOW master file as the workbook's table of orders.

    text (customer, yyyymmdd, CDs, dollars; separated by spaces)  ->  CSV text, one row per line of the source

    Parameters
    ----------
    master_text : str
        The whole of `CDNOW_master.txt`, with its header line.

    Returns
    -------
    str
        CSV with a header, lines ending in a line feed:

        - order_id : 1, 2, ... in the order of the source, which has no order numbers.
        - customer_id : five digits as in the source.
        - ordered_at : day of purchase, YYYY-MM-DD.
        - amount : US dollars with two decimals, copied as text so that nothing is rounded; 0.00 is kept.
        - cds : number of CDs bought.

    Raises
    ------
    ValueError
        The first line is not the header of the master file, or a line does not have four fields.

    Example
    -------
    >>> print(convert("customer_id date number_of_cds dollar_value\\n 00001 19970101  1   11.77\\n"), end="")
    order_id,customer_id,ordered_at,amount,cds
    1,00001,1997-01-01,11.77,1
    """
    first, *lines = master_text.splitlines() or [""]
    if first.split() != MASTER_HEADER:
        raise ValueError(f"This is not CDNOW_master.txt: its first line should read {' '.join(MASTER_HEADER)}.")
    rows = ["order_id,customer_id,ordered_at,amount,cds"]
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if len(fields) != 4:
            raise ValueError(f"Line {number + 1} has {len(fields)} fields where 4 are expected.")
        customer, day, cds, dollars = fields
        rows.append(f"{number},{customer},{day[:4]}-{day[4:6]}-{day[6:]},{dollars},{cds}")
    return "\n".join(rows) + "\n"
