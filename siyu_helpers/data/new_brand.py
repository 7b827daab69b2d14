"""New brand: an empty folder that explains itself."""

from pathlib import Path

from siyu_helpers.data.contract import TABLES

_BRAND_YML = """\
# What the workbook has to know about {brand}. Lines that begin with # are notes or optional settings.
# Fill in the lines with <...>, put your export into orders.csv, then run: siyu check {brand}

id: "{brand}"                  # the name of this folder
name:
  zh: <品牌名>
  en: <name>
industry: <slug>               # such as cosmetics, baby, pet_food, tea_coffee
currency: CNY                  # three capitals
timezone: Asia/Shanghai        # times in the tables are in this zone
observed_from: <YYYY-MM-DD>    # first day the export covers, as you asked for it, not the first order in it
observed_until: <YYYY-MM-DD>   # last day the export covers, the day included
history: truncated             # truncated: older customers exist that the export does not show; complete: none do
source: <which system, exported when and by whom>

# Which of your headers is which column (no need to edit the export):
# columns:
#   订单编号: order_id
#   买家会员名: customer_id
#   订单付款时间: ordered_at
#   买家实际支付金额: amount
# Values that mean "this order has no customer key", such as "" for an empty cell or "***" for a masked one:
# unknown_customer: ["", "***"]
# Marketing channels, each public, semi or private; with this list an unknown channel in a table is refused:
# channels:
#   douyin: public
#   official_account: semi
#   wecom: private
# gross_margin: 0.45           # share of the amount left after the cost of goods, if orders have no cost column
# burn_in_days: 365            # with history: truncated, days without an order before a customer counts as new
# dormant_after_days: 180      # days without an order after which a customer counts as asleep
# lift_tests: []
# scenarios: []
# synthetic: false             # true for an invented brand; every page then says so
"""

_README = """\
Optional tables. Copy the ones you can fill to the folder above, keep their first line, and add your rows.
A column may be left out when its name is in brackets here; an empty cell means what the list says.

"""


def write(folder: Path) -> list[Path]:
    """Write the files of a new brand: brand.yml with notes, orders.csv with its header, templates of the other tables.

    Parameters
    ----------
    folder : Path
        The brand's folder; it must not exist yet.

    Returns
    -------
    list of Path
        The files written. The templates lie in a folder of their own, because a table that is there has to have rows.

    Raises
    ------
    FileExistsError
        The folder is there already; nothing is overwritten.
    """
    folder.mkdir(parents=True)
    templates = folder / "templates"
    templates.mkdir()
    texts = {folder / "brand.yml": _BRAND_YML.format(brand=folder.name), templates / "README.txt": _README + _columns()}
    for name, table in TABLES.items():
        required = [column.name for column in table.columns if column.required]
        names = required if name == "orders" else [column.name for column in table.columns]
        texts[(folder if name == "orders" else templates) / f"{name}.csv"] = ",".join(names) + "\n"
    for path, text in texts.items():
        # With a byte-order mark Excel in China shows the Chinese of a CSV file; these have none to show.
        path.write_text(text, "utf-8")
    return sorted(texts)


def _columns() -> str:
    lines = []
    for table in TABLES.values():
        lines.append(f"{table.name}: {table.grain_en} ({table.grain_zh})")
        for column in table.columns:
            name = column.name if column.required else f"[{column.name}]"
            unit = f" ({column.unit})" if column.unit else ""
            words = f": {', '.join(column.allowed)}" if column.allowed else ""
            lines.append(f"  {name:<22}{column.meaning_zh}; {column.meaning_en}{words}{unit}")
        lines.append("")
    return "\n".join(lines)
