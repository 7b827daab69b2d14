"""New brand: an empty folder that explains itself."""

from pathlib import Path

from siyu_helpers.data.contract import TABLES

_BRAND_YML = """\
# 品牌 {brand} 的设置；以 # 开头的行是说明或可选设置
# Settings of brand {brand}; lines that begin with # are notes or optional settings
# 填好所有 <...>，把订单导出文件放到 orders.csv，然后运行：siyu check {brand}
# Fill in every <...>, put your export into orders.csv, then run: siyu check {brand}

id: "{brand}"                  # 与文件夹同名 / the name of this folder
name:
  zh: <品牌名>
  en: <name>
industry: <slug>               # 行业，用小写英文，如 / such as cosmetics, baby, pet_food, tea_coffee
currency: CNY                  # 币种，三个大写字母 / three capitals
timezone: Asia/Shanghai        # 表中时间所用的时区 / times in the tables are in this zone

# 导出覆盖的第一天（不是第一笔订单的日期） / first day the export covers (not the day of the first order in it)
observed_from: <YYYY-MM-DD>
# 导出覆盖的最后一天（含当天） / last day the export covers, the day included
observed_until: <YYYY-MM-DD>

# truncated：导出起始日之前已有老客户，文件里看不到；complete：自品牌首笔订单起，全部订单都在文件里
# truncated if older customers exist that the export does not show; complete if no order ever is missing
history: truncated
# 来源：哪个系统、何时导出、由谁导出 / which system, exported when and by whom
source: <which system, exported when and by whom>

# ---- 以下均为可选，需要时去掉行首的 # / all optional; take the # away where you need one ----

# 导出文件的表头对应哪一列（不必改导出文件） / which of your headers is which column (no need to edit the export)
# columns:
#   订单编号: order_id
#   买家会员名: customer_id
#   订单付款时间: ordered_at
#   买家实际支付金额: amount

# 哪些值表示“这笔订单没有客户标识”，如空单元格 "" 或脱敏后的 "***"
# Values that mean "this order has no customer key", such as "" for an empty cell or "***" for a masked one
# unknown_customer: ["", "***"]

# 营销渠道：public 公域、semi 半私域、private 私域；列出后，表中出现未列出的渠道会报错
# Marketing channels, each public, semi or private; with this list an unknown channel in a table is refused
# channels:
#   douyin: public
#   official_account: semi
#   wecom: {{domain: private, zh: 企业微信, en: WeCom}}    # 也可写页面上显示的中英文名 / with names for the pages

# 毛利率（订单表没有成本列时使用） / share of the amount left after the cost of goods, if orders have no cost column
# gross_margin: 0.45
# history 为 truncated 时：导出起始日之后满多少天，首次出现的客户才算新客户
# With history: truncated, days after observed_from from which a customer who first appears counts as new
# burn_in_days: 365
# 多少天没有下单算沉睡客户 / days without an order after which a customer counts as asleep
# dormant_after_days: 180
# 增量实验：实验期内该渠道真正带来多少新客（new_customers）或订单（orders），折算到全部受众；standard_error 为其标准误
# 另可写 method（如“用户随机留白”）、spend（实验期投放花费）、source（报告出处）
# Lift tests: how many new_customers or orders the channel caused in these days, scaled to its whole audience, and the
# standard error of that number; method (such as "geo holdout"), spend (in these days) and source may be added
# lift_tests: [{{channel: douyin, from: 2024-03-01, until: 2024-04-30, of: orders, incremental: 80, standard_error: 9}}]
# 情景假设 / scenarios
# scenarios: []
# 虚构品牌填 true，每个页面都会注明 / true for an invented brand; every page then says so
# synthetic: false
"""

_README = """\
可选的表。把能填的表复制到上一级文件夹，保留首行表头，在下面填入数据。
方括号中的列可以省略；单元格留空的含义见各列说明。
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
