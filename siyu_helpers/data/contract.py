"""The data contract: which tables and columns a brand may hand over, and how a problem with them is told.

Everything that reads, checks or describes a brand's files takes its knowledge of tables and columns from `TABLES`.
"""

import difflib
import re
from dataclasses import dataclass

EXAMPLES_SHOWN = 20
ALIKE_SHOWN = 5
VALUE_SHOWN = 24
LOOKS_LIKE_PHONE = r"1[3-9][0-9]{9}"
# Headers of columns that probably name people.
PERSONAL_NAME = re.compile(
    r"name|phone|mobile|\btel|e-?mail|address|we_?chat|weixin|open_?id|union_?id|user_?id|member_?id|device_?id|id_?card|"
    r"passport|account(?:_?(?:id|no|number))?$|nick|staff|employee|\bqq\b|"
    r"姓名|名字|手机|电话|地址|昵称|微信|邮箱|身份证|(?:客户|会员|买家|用户)(?:id|编号|号|名|卡)|推荐人|收货人|收件人|添加人|导购|员工|账号|帐号|联系",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Column:
    """One column of the contract.

    kind : "id:<namespace>", "time", "day", "month", "money", "number", "count", "share", "flag" or "text".
        Two id columns of one namespace hold the same people or things: a referrer is a customer.
    blank : True when an empty cell is allowed; what it then means is said in `meaning_en`.
    allowed : the only values a text column may hold; empty when any value will do.
    """

    name: str
    kind: str
    meaning_en: str
    meaning_zh: str
    unit: str = ""
    required: bool = True
    blank: bool = False
    allowed: tuple[str, ...] = ()

    @property
    def namespace(self) -> str | None:
        """The namespace of an id column ("customer", "order", ...); None for every other column."""
        return self.kind[3:] if self.kind.startswith("id:") else None


@dataclass(frozen=True)
class Table:
    """One table of the contract: its grain, its columns, and the columns whose values together occur once."""

    name: str
    grain_en: str
    grain_zh: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """The column of that name, or None when the contract has no such column in this table."""
        return next((column for column in self.columns if column.name == name), None)


def _optional(name: str, kind: str, meaning_en: str, meaning_zh: str, unit: str = "", allowed=()) -> Column:
    return Column(name, kind, meaning_en, meaning_zh, unit, required=False, blank=True, allowed=tuple(allowed))


_MONEY = "brand currency"
_TIME = "brand time zone"

_ORDERS = Table(
    "orders",
    "one paid order",
    "一笔已付款订单",
    ("order_id",),
    (
        Column("order_id", "id:order", "number of the order", "订单编号"),
        Column(
            "customer_id", "id:customer", "who ordered; blank only for values listed in unknown_customer", "下单客户"
        ),
        Column("ordered_at", "time", "when the order was paid", "付款时间", _TIME),
        Column("amount", "money", "paid for the goods, after discounts; 0 is an order too", "实付金额", _MONEY),
        _optional("list_amount", "money", "price before discounts; blank: not known", "折前金额", _MONEY),
        _optional("refunded", "money", "part of amount paid back; blank: not known", "退款金额", _MONEY),
        _optional("cost", "money", "cost of the goods; blank: not known", "商品成本", _MONEY),
        _optional("platform_fee", "money", "commission kept by the platform; blank: not known", "平台扣点", _MONEY),
        _optional("acquired_through", "text", "marketing channel that brought the order; blank: not known", "获客渠道"),
        _optional("sold_through", "text", "shop or app where it was paid; blank: not known", "成交店铺"),
        _optional("store_id", "text", "store that served the order; blank: none or not known", "门店"),
        _optional("referrer_id", "id:customer", "customer who referred this one; blank: nobody known", "推荐人"),
        _optional("distance_km", "number", "distance from customer to store; blank: not known", "距离", "km"),
    ),
)
_CUSTOMERS = Table(
    "customers",
    "one customer",
    "一位客户",
    ("customer_id",),
    (
        Column("customer_id", "id:customer", "the customer", "客户"),
        _optional(
            "first_order_at", "time", "first order ever, if older than the file; blank: not known", "首单", _TIME
        ),
        _optional("city_tier", "text", "tier of the customer's city; blank: not known", "城市级别"),
    ),
)
_SPEND = Table(
    "spend",
    "one channel on one day, or in one month written as its first day",
    "渠道 × 日（或月）",
    ("date", "channel"),
    (
        Column("date", "day", "day, or first day of the month", "日期"),
        Column("channel", "text", "marketing channel", "渠道"),
        Column("spend", "money", "spent on the channel", "花费", _MONEY),
        _optional("impressions", "count", "times shown; blank: not known", "曝光", "times"),
        _optional("clicks", "count", "clicks; blank: not known", "点击", "clicks"),
        _optional("visitors", "count", "visitors; blank: not known", "访客", "people"),
        _optional(
            "claimed_conversions", "number", "orders the platform claims; blank: not known", "平台转化", "orders"
        ),
    ),
)
_TOUCHPOINTS = Table(
    "touchpoints",
    "one touch",
    "一次触点",
    (),
    (
        Column("visitor_id", "id:visitor", "device or visitor", "访客"),
        Column("touched_at", "time", "when it was touched", "触达时间", _TIME),
        Column("channel", "text", "channel of the touch", "渠道"),
        _optional("customer_id", "id:customer", "customer behind the visitor; blank: not known yet", "客户"),
    ),
)
_MEMBERS = Table(
    "members",
    "one stay in the pool",
    "客户在私域内的一段时间（从加入到离开）",
    ("customer_id", "joined_at", "account_id"),
    (
        Column("customer_id", "id:customer", "who joined", "客户"),
        Column("joined_at", "time", "when the stay began", "加入私域时间", _TIME),
        _optional(
            "left_at", "time", "when it ended; blank: still in the pool at observed_until", "离开私域时间", _TIME
        ),
        _optional("entry", "text", "door into the pool; blank: not known", "加入私域的来源"),
        _optional("account_id", "id:account", "WeCom or WeChat account that holds it; blank: not known", "承接账号"),
    ),
)
_ACCOUNTS = Table(
    "accounts",
    "one WeCom or WeChat account",
    "一个企业微信或微信号",
    ("account_id",),
    (
        Column("account_id", "id:account", "the account", "账号"),
        Column("opened_at", "time", "when it was opened", "开通时间", _TIME),
        _optional("banned_at", "time", "when it was banned; blank: not banned by observed_until", "封号时间", _TIME),
        _optional("staff", "id:staff", "employee who runs it; blank: not known", "使用员工"),
    ),
)
_ASSIGNMENTS = Table(
    "assignments",
    "one person in one experiment",
    "一人 × 一次实验",
    ("experiment", "customer_id"),
    (
        Column("experiment", "text", "name of the experiment", "实验"),
        Column("customer_id", "id:customer", "who was assigned", "客户"),
        Column("assigned_at", "time", "when", "分组时间", _TIME),
        Column("arm", "text", "group the person was put into", "组别"),
        Column("probability", "share", "chance this person had of this arm", "分组概率", "share in (0, 1]"),
    ),
)
_MESSAGES = Table(
    "messages",
    "one message sent",
    "一条已发消息",
    (),
    (
        Column("customer_id", "id:customer", "who it was sent to", "客户"),
        Column("sent_at", "time", "when it was sent", "发送时间", _TIME),
        Column("channel", "text", "channel it was sent through", "渠道"),
        _optional("kind", "text", "what it is; blank: not known", "类型", allowed=("service", "promotion")),
        _optional("delivered", "flag", "it arrived; blank: not known", "送达"),
        _optional("read", "flag", "it was read; blank: not known", "已读"),
        _optional("clicked", "flag", "a link in it was clicked; blank: not known", "点击"),
        _optional("opted_out", "flag", "the customer left because of it; blank: not known", "退订"),
        _optional("cost", "money", "cost of the message; blank: not known", "成本", _MONEY),
    ),
)
_POOL_COSTS = Table(
    "pool_costs",
    "one month and one item of cost",
    "月 × 成本项",
    ("month", "item"),
    (
        Column("month", "month", "month, as its first day or YYYY-MM", "月份"),
        Column("item", "text", "kind of cost", "成本项", allowed=("staff", "tools", "incentives", "content")),
        Column("amount", "money", "cost of the month", "金额", _MONEY),
    ),
)

# The order is also the order in which identifiers are numbered: a new table goes to the end.
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _ORDERS, _CUSTOMERS, _SPEND, _TOUCHPOINTS, _MEMBERS, _ACCOUNTS, _ASSIGNMENTS, _MESSAGES, _POOL_COSTS
    )
}  # fmt: skip
REQUIRED_TABLE = "orders"

# Columns whose values are the names that brand.yml lists under `channels`.
CHANNEL_COLUMNS = frozenset(
    {("orders", "acquired_through"), ("spend", "channel"), ("touchpoints", "channel"), ("messages", "channel")}
)

# Headers of common exports, used only to suggest an entry for `columns:` in brand.yml; never applied by themselves.
EXPORT_HEADERS = {
    "order_id": "订单编号 主订单编号 订单号 主订单号 Name",
    "customer_id": "买家会员名 买家手机号 下单帐号 买家ID 会员号 客户编号 会员ID 买家昵称 Email",
    "ordered_at": "订单付款时间 买家付款时间 付款确认时间 支付时间 订单成交时间 付款时间 订单创建时间 下单时间 Paid~at",
    "amount": "买家实际支付金额 订单实付金额 用户实付金额(元) 实付金额 应付金额 订单应付金额 实付款 Total",
    "refunded": "退款金额 Refunded~Amount",
    "list_amount": "总金额 商品金额合计 商品总价(元)",
    "date": "日期 时间",
    "channel": "渠道 渠道名称",
    "spend": "花费 消耗 费用",
    "impressions": "展现量 曝光量",
    "clicks": "点击量 点击数",
    "joined_at": "添加时间 入群时间",
    "left_at": "删除时间 流失时间",
    "month": "月份",
    "item": "项目 成本项",
    "sent_at": "发送时间",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input, and what to do about it.

    Parameters
    ----------
    file : str
        Name of the file inside the brand's folder.
    line : int or None
        Line in that file, the header being line 1; None when the problem is not on one line.
    column : str or None
        Column or key as the file writes it; None when the whole line or file is meant.
    wrong, remedy : str
        What is wrong, and what to do.
    more : int
        Further lines with the same problem that have no `Problem` of their own.
    unit : str
        "line", or "row" for a Parquet file, whose first row is row 1.

    Example
    -------
    >>> print(Problem("orders.csv", 7, "amount", "'abc' is not a number.", "Write it as 1299.00."))
    orders.csv, line 7, column amount: 'abc' is not a number. Write it as 1299.00.
    """

    file: str
    line: int | None
    column: str | None
    wrong: str
    remedy: str
    more: int = 0
    unit: str = "line"

    def __str__(self) -> str:
        place = self.file
        place += f", {self.unit} {self.line}" if self.line is not None else ""
        place += f", column {self.column}" if self.column else ""
        more = f" (and {self.more:,} more {self.unit}s like this)" if self.more else ""
        return f"{place}: {self.wrong} {self.remedy}{more}"


class DataProblems(Exception):  # noqa: N818 - the public name is plain English
    """Every problem found in a brand's files, told at once.

    `.problems` lists them; the message groups them by file, column and remedy.

    Example
    -------
    >>> remedy = "Write it as 1299.00."
    >>> twice = [Problem("orders.csv", line, "amount", "'abc' is not a number.", remedy) for line in (7, 9)]
    >>> print(DataProblems("acme", twice))
    2 problems in the files of brand acme:
    <BLANKLINE>
    orders.csv, column amount
      line 7: 'abc' is not a number.
      line 9: 'abc' is not a number.
      -> Write it as 1299.00.
    """

    def __init__(self, brand: str, problems: list[Problem]):
        self.brand = brand
        self.problems = list(problems)
        super().__init__(_message(brand, self.problems))


def _message(brand: str, problems: list[Problem]) -> str:
    count = sum(1 + problem.more for problem in problems)
    lines = [f"{count:,} problem{'s' if count != 1 else ''} in the files of brand {brand}:"]
    groups: dict[tuple, list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.file, problem.column, problem.remedy), []).append(problem)
    for (file, column, remedy), members in groups.items():
        lines += ["", file + (f", column {column}" if column else "")]
        members = sorted(members, key=lambda problem: problem.line or 0)
        shown = _examples(members)
        for problem in shown:
            lines.append(f"  {problem.unit} {problem.line}: {problem.wrong}" if problem.line else f"  {problem.wrong}")
        more = sum(problem.more for problem in members) + len(members) - len(shown)
        if more:
            lines.append(f"  and {more:,} more {members[0].unit}{'s' if more > 1 else ''} like this")
        lines.append(f"  -> {remedy}")
    return "\n".join(lines)


def _examples(members: list[Problem]) -> list[Problem]:
    """The first problems of a group; of those in the same words a few, because the tenth line teaches nothing new."""
    alike: dict[str, list[Problem]] = {}
    for problem in members:
        alike.setdefault(problem.wrong, []).append(problem)
    return [problem for problem in members if problem in alike[problem.wrong][:ALIKE_SHOWN]][:EXAMPLES_SHOWN]


def nearest(name: str, names) -> str | None:
    """The name most like a misspelt one; None when nothing is near.

    Example
    -------
    >>> nearest("custmer_id", ["order_id", "customer_id"])
    'customer_id'
    >>> nearest("weather", ["order_id", "customer_id"]) is None
    True
    """
    by_lower = {str(candidate).lower(): str(candidate) for candidate in names}
    found = difflib.get_close_matches(str(name).strip().lower().replace(" ", "_"), list(by_lower), n=1, cutoff=0.7)
    return by_lower[found[0]] if found else None


def quoted(value: str, kind: str = "text", identifiers=()) -> str:
    """A value from the data as a message may show it: cut to 24 characters, and hidden when it may name a person.

    Parameters
    ----------
    value : str
        The value as the file has it.
    kind : str
        Kind of its column. Of all identifiers only order numbers are shown; six or more digits in a row are shown
        only in a money column, and nowhere if they look like a phone number.
    identifiers : iterable of str
        Identifiers near by; a value that equals or contains one is hidden.

    Returns
    -------
    str
        The value in single quotes, or words that stand for it.

    Example
    -------
    >>> quoted("abc"), quoted("13800138000"), quoted("1234567.8x", "money")
    ("'abc'", 'the value (not shown)', "'1234567.8x'")
    """
    text = str(value)
    same = any(name and (name == text or (len(name) >= 3 and name in text)) for name in identifiers)
    if kind == "id:order":
        personal = "@" in text or re.fullmatch(LOOKS_LIKE_PHONE, text)
    else:
        phone = re.search(LOOKS_LIKE_PHONE, re.sub(r"[\s-]", "", text))
        long_number = kind != "money" and re.search(r"\d{6}", text)
        # A word in Chinese where a number or a time should be is a person's name when columns have slipped.
        name = kind not in ("text", "flag") and re.fullmatch(r"[\u3400-\u9fff·]{2,8}", text)
        personal = kind.startswith("id:") or "@" in text or phone or long_number or name
    if same or personal:
        return "the value (not shown)"
    text = "".join(character if character.isprintable() else "?" for character in text)
    return f"'{text}'" if len(text) <= VALUE_SHOWN else f"'{text[:VALUE_SHOWN]}...'"
