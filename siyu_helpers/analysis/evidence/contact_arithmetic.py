"""Claims about reach, followers, messages and waking customers up, worked out from their own numbers.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math

from siyu_helpers.analysis.effect.wake_up import CLAIMED
from siyu_helpers.analysis.estimates import Words
from siyu_helpers.analysis.evidence.arithmetic import (
    CANNOT_BE,
    CONSISTENT,
    DEPENDS,
    Arithmetic,
    Range,
    assumed,
    spanned,
)
from siyu_helpers.analysis.pool.capacity import CASE

REGISTERED = 400_000_000.0  # "over 400 million registered users": the least that it says
#: Active customers of Vipshop in the whole of 2021 (results for Q4 and the year 2021; `filings.csv`).
ACTIVE_IN_A_YEAR = 93_900_000.0
#: Wake-up of customers without a purchase in 30 days, as a seller of bulk messages states it
#: (`private_domain_benchmarks.csv`, pd27): the most that a seller of such messages asks one to believe.
VENDOR_RATE = (0.05, 0.065, 0.08)
MESSAGE_PRICE = (0.032, 0.040, 0.045)  # RMB a text message (`industry_parameters.csv`, ip236)


def added_contacts(
    contacts: float = 10_000,
    months: float = 12,
    sends: Range = (2.0, 4.0, 8.0),
    read_rate: Range = (0.15, 0.30, 0.50),
    leaving: Range = (0.01, 0.02, 0.04),
    opt_out: Range = (0.001, 0.003, 0.006),
    orders_per_read: Range = (0.001, 0.003, 0.01),
    contribution_per_order: Range = (20.0, 60.0, 150.0),
) -> Arithmetic:
    """10,000 customers who added you: whom you still reach after a year, and what a send is worth.

    numbers of the claim, assumptions  ->  Arithmetic

    Parameters
    ----------
    contacts : customers who added the account; nobody joins later
    months : after how many months
    sends : to everybody, a month
    read_rate : share of delivered messages that are read
    leaving : share of the contacts lost a month for other reasons than a message
    opt_out : share of the recipients who leave because of one message
    orders_per_read : orders that a read message adds; none of them would have come by themselves
    contribution_per_order : RMB

    Returns
    -------
    Arithmetic with figures: added_contacts_left (contacts after the months), added_contacts_read_last (readers of the
    last send), added_contacts_worth (contribution added in all: the most that work and incentives may cost),
    added_contacts_read_first (readers of the first send), added_contacts_messages (sent in all), added_contacts_orders
    (added in all), added_contacts_worth_first (contribution of the first send).

    Notes
    -----
    After each send a share opt_out leaves, between two months a share `leaving`: contacts are multiplied by
    (1 - opt_out)^sends x (1 - leaving) a month.

    Example
    -------
    >>> found = added_contacts(10_000, 12, 4, 0.3, 0.02, 0.003, 0.003, 60)
    >>> [round(number.value) for number in found.figures.values()]
    [6793, 2086, 21747, 3000, 402723, 362, 540]
    """
    start = assumed("contacts", contacts, "customers", Words("加上的客户", "customers who added you"), 0)
    span = assumed("months", months, "months", Words("经过的月数", "months"), 0)
    often = assumed("sends", sends, "messages a month", Words("每月群发次数", "sends a month"), 0)
    reads = assumed("read_rate", read_rate, "share", Words("阅读率", "share of messages read"), -1e-12, 1)
    leaves = assumed("leaving", leaving, "share", Words("每月自然流失", "share lost a month anyway"), -1e-12, 0.99)
    gone = assumed(
        "opt_out",
        opt_out,
        "share",
        Words("每条消息导致的退订（删除、拉黑）", "share who leave because of a message"),
        -1e-12,
        0.99,
    )
    buys = assumed(
        "orders_per_read",
        orders_per_read,
        "orders",
        Words("每次阅读多带来的订单", "orders that a read message adds"),
        -1e-12,
        1,
    )
    money = assumed(
        "contribution_per_order",
        contribution_per_order,
        "RMB",
        Words("每单贡献毛利", "contribution of an order"),
        -1e-12,
    )

    def left(n: float, m: float, s: float, lost: float, out: float) -> float:
        return n * ((1 - lost) * (1 - out) ** s) ** m

    def sent(n: float, m: float, s: float, lost: float, out: float) -> float:
        """Messages of all months: of each send those still there."""
        monthly = (1 - lost) * (1 - out) ** s
        in_month = s if out == 0 else (1 - (1 - out) ** s) / out
        return n * in_month * (m if monthly == 1 else (1 - monthly**m) / (1 - monthly))

    def last(n: float, m: float, s: float, lost: float, out: float, read: float) -> float:
        return left(n, m, s, lost, out) / (1 - lost) / (1 - out) * read

    def summed(n, m, s, lost, out, *factors) -> float:
        return sent(n, m, s, lost, out) * math.prod(factors)

    stay = (start, span, often, leaves, gone)
    wanted = (
        ("left", left, stay, "customers", Words("期末还联系得上的客户", "contacts left at the end")),
        ("read_last", last, (*stay, reads), "people", Words("最后一次群发的阅读人数", "readers of the last send")),
        ("worth", summed, (*stay, reads, buys, money), "RMB",
         Words("期间多带来的贡献毛利，也就是人力与激励最多能花的钱",
               "contribution added in all: the most that work and incentives may cost")),
        ("read_first", lambda n, r: n * r, (start, reads), "people",
         Words("第一次群发的阅读人数", "readers of the first send")),
        ("messages", sent, stay, "messages", Words("期间共发消息", "messages sent in all")),
        ("orders", summed, (*stay, reads, buys), "orders", Words("期间多带来的订单", "orders added in all")),
        ("worth_first", lambda *f: math.prod(f), (start, reads, buys, money), "RMB",
         Words("第一次群发多带来的贡献毛利", "contribution that the first send adds")),
    )  # fmt: skip
    return Arithmetic(
        "added_contacts", "cl038",
        Words("一万位客户加了你的微信，你就有了一条免费的推广渠道",
              "once 10,000 customers have added you on WeChat, you own a free channel of promotion"),
        _figures("added_contacts", wanted, added_contacts), (*stay, reads, buys, money), DEPENDS,
        Words("渠道不会一直是一万人：每发一次都有人离开，真正读到的更少；是否划算取决于阅读率、流失和每次阅读带来的订单，而人力从不免费",
              "the channel does not stay that large: each send drives some away, and fewer still read it; what it is "
              "worth hangs on reading, leaving and orders per reader, and the work is never free"),
        Words("自己账号的阅读率、每条消息的退订率，以及不发消息时本来会有的订单",
              "one's own read rate, opt-outs per message, and the orders that come without a message"),
    )  # fmt: skip


def wake_up_plausibility(
    claimed: float = CLAIMED,
    messages: Range = (1.0, 6.0, 24.0),
    response: Range = VENDOR_RATE,
    returning: Range = (0.01, 0.03, 0.06),
    months: Range = (1.0, 3.0, 12.0),
) -> Arithmetic:
    """Over 50% of sleeping customers woken by smart text messages: which definition could give that.

    numbers of the claim, assumptions  ->  Arithmetic

    Parameters
    ----------
    claimed : share
    messages : sent to each sleeping customer before anybody counts
    response : share who react to one message; default: what a seller of such messages states for sleeping customers
    returning : share of sleeping customers who come back in a month by themselves
    months : between the first message and the count

    Returns
    -------
    Arithmetic with figures: wake_up_plausibility_one (share of one message, as stated elsewhere),
    wake_up_plausibility_gap (claimed / that), wake_up_plausibility_needed (response to each message that gives the
    claimed share after so many), wake_up_plausibility_after (share who reacted to any of them),
    wake_up_plausibility_messages (messages after which the claimed share is reached), wake_up_plausibility_alone (share
    who come back without any message), wake_up_plausibility_at_most (claimed less that: the most that messages could
    have caused). verdict "cannot be" where even the most messages, the highest response and the returns by themselves
    do not reach the claim.

    Notes
    -----
    Reactions to several messages are taken as independent: 1 - (1 - response)^messages. Those who react once are
    likelier to react again, so that this is an upper bound of the share who reacted to any.

    Example
    -------
    >>> found = wake_up_plausibility(0.5, 6, 0.065, 0.03, 3)
    >>> [round(number.value, 3) for number in found.figures.values()], found.verdict
    ([0.065, 7.692, 0.109, 0.332, 11.0, 0.087, 0.413], 'cannot be')
    """
    said = assumed("claimed", claimed, "share", Words("声称的唤醒率", "wake-up rate claimed"), 0, 1 - 1e-9)
    many = assumed("messages", messages, "messages", Words(
        "每位沉睡客户收到的短信", "messages to each sleeping customer"), 0)  # fmt: skip
    reacts = assumed(
        "response",
        response,
        "share",
        Words("每条短信的响应率（供应商自述）", "share who react to a message (as a seller states it)"),
        0,
        1 - 1e-9,
    )
    alone = assumed(
        "returning",
        returning,
        "share",
        Words("沉睡客户每月自行回来的比例", "share who come back in a month by themselves"),
        -1e-12,
        0.99,
    )
    span = assumed("months", months, "months", Words("统计之前经过的月数", "months before the count"), 0)

    def after(p: float, k: float) -> float:
        return 1 - (1 - p) ** k

    wanted = (
        ("one", lambda p: p, (reacts,), "share",
         Words("单条短信的响应率（供应商自述，未经对照）", "response to one message (a seller's word, no control)")),
        ("gap", lambda c, p: c / p, (said, reacts), "times",
         Words("声称的唤醒率 ÷ 供应商自述的单条响应率", "wake-up rate claimed / response to one message")),
        ("needed", lambda c, k: 1 - (1 - c) ** (1 / k), (said, many), "share",
         Words("若按“收到若干条后有过一次响应”计，每条需要的响应率",
               "response to each message that gives the claim, if one reaction to any of them counts")),
        ("after", after, (reacts, many), "share",
         Words("按该响应率，对任意一条有过响应的客户占比（各条独立，偏高）",
               "share who reacted to any of them, at that response (taken as independent, so too high)")),
        ("messages", lambda c, p: math.ceil(math.log(1 - c) / math.log(1 - p) - 1e-9), (said, reacts), "messages",
         Words("按该响应率，要发多少条才有声称的占比响应过一次",
               "messages until the claimed share has reacted once, at that response")),
        ("alone", after, (alone, span), "share",
         Words("同一时间不发短信也会自行回来的占比", "share who come back in the same time without any message")),
        ("at_most", lambda c, r, m: max(c - after(r, m), 0.0), (said, alone, span), "share",
         Words("声称的唤醒率 － 自行回来的占比：短信作用的上限",
               "claimed less that: the most that messages could have caused")),
    )  # fmt: skip
    # At best all three help: the highest response to the most messages, and those who come back anyway.
    best = 1 - (1 - after(reacts.high, many.high)) * (1 - after(alone.high, span.high))
    one_is_enough, possible = reacts.high >= said.value, best >= said.value
    return Arithmetic(
        "wake_up_plausibility", "cl022",
        Words("唯品会用智能短信，沉睡客户的唤醒率超过 50%",
              "Vipshop's smart text messages woke up over 50% of its sleeping customers"),
        _figures("wake_up_plausibility", wanted, wake_up_plausibility), (said, many, reacts, alone, span),
        CONSISTENT if one_is_enough else DEPENDS if possible else CANNOT_BE,
        Words("与所设的单条响应率并不矛盾；但响应不等于短信的作用，要减去不发短信也会回来的人",
              "it does not contradict the response assumed to one message; but a response is not what the message did: "
              "those who come back anyway must be taken off")
        if one_is_enough else
        Words("若指一条短信带来的购买，与卖短信的同行自述差好几倍；若把多条短信、较长时间和自行回来的客户都算进去才有可能，但那不是短信的作用",
              "as purchases that one message brings it is many times what other sellers of such messages state; many "
              "messages, a long time and those who come back anyway could add up to it, but that is not what the "
              "messages did")
        if possible else
        Words("把多条短信和自行回来的客户都算进去，也到不了声称的占比",
              "even several messages and those who come back anyway do not add up to the share claimed"),
        Words("沉睡如何定义、分母是谁、多少天内、登录还是购买，以及不发短信的对照组",
              "what sleeping means, the share of whom, within how many days, a log-in or a purchase, and a control "
              "group without messages"),
    )  # fmt: skip


def dormant_base(
    registered: float = REGISTERED,
    active: float = ACTIVE_IN_A_YEAR,
    claimed: float = CLAIMED,
    message_price: Range = MESSAGE_PRICE,
) -> Arithmetic:
    """Over 400 million registered users as the denominator: how many customers a wake-up rate of 50% would mean.

    numbers of the claim, a filing  ->  Arithmetic

    Parameters
    ----------
    registered : users, "over 400 million"
    active : customers with an order in a whole year
        93.9 million in 2021, the highest full year that the workbook holds from the company's own results.
    claimed : wake-up rate
    message_price : RMB a text message

    Returns
    -------
    Arithmetic with figures: dormant_base_dormant (registered less active), dormant_base_woken (claimed x dormant),
    dormant_base_times (woken / active of a whole year), dormant_base_cost (one message to all dormant),
    dormant_base_reachable (dormant customers of whom the claimed share would equal one year's active).
    verdict "cannot be" (that all dormant were the denominator) where more would be woken than were active in a year.

    Example
    -------
    >>> found = dormant_base()
    >>> round(found.figures["dormant_base_times"].value, 2), found.verdict
    (1.63, 'cannot be')
    """
    users = assumed("registered", registered, "people", Words("注册用户", "registered users"), 0)
    buyers = assumed(
        "active", active, "people", Words("全年活跃客户（2021 年财报）", "customers active in a whole year"), 0
    )
    said = assumed("claimed", claimed, "share", Words("声称的唤醒率", "wake-up rate claimed"), 0, 1)
    price = assumed("message_price", message_price, "RMB", Words("每条短信价格", "price of a text message"), 0)
    if buyers.value >= users.value:
        raise ValueError("active must be below registered: otherwise nobody is dormant")
    wanted = (
        ("dormant", lambda u, b: u - b, (users, buyers), "people",
         Words("注册用户 － 全年活跃客户：至少这么多人沉睡", "registered less active in the year: asleep at least")),
        ("woken", lambda u, b, c: (u - b) * c, (users, buyers, said), "people",
         Words("若以全部沉睡用户为分母，被唤醒的人数", "people woken, if all of them are the denominator")),
        ("times", lambda u, b, c: (u - b) * c / b, (users, buyers, said), "times",
         Words("被唤醒的人数 ÷ 全年活跃客户", "people woken / customers active in the year")),
        ("cost", lambda u, b, p: (u - b) * p, (users, buyers, price), "RMB",
         Words("给全部沉睡用户各发一条短信的费用", "cost of one message to each of them")),
        ("reachable", lambda b, c: b / c, (buyers, said), "people",
         Words("分母最多多大，唤醒的人数才不超过全年活跃客户",
               "largest denominator at which no more would be woken than were active in the year")),
    )  # fmt: skip
    impossible = (users.value - buyers.value) * said.value > buyers.value
    return Arithmetic(
        "dormant_base", "cl021",
        Words("唯品会注册用户超过 4 亿，沉睡客户唤醒率超过 50%",
              "Vipshop has over 400 million registered users, and woke up over 50% of those asleep"),
        _figures("dormant_base", wanted, dormant_base), (users, buyers, said, price),
        CANNOT_BE if impossible else DEPENDS,
        Words("若以全部沉睡注册用户为分母，被唤醒的人会比全年所有活跃客户还多；所以分母只能是一小部分沉睡客户，或“唤醒”不是指购买",
              "of all registered users asleep, more would be woken than the company had active customers in a whole "
              "year: the denominator must be a small part of them, or woken does not mean a purchase")
        if impossible else
        Words("以这些数字计算得通，但注册用户不是分母，收到短信的沉睡客户才是",
              "with these numbers it can be; but the denominator is those who were messaged, not all who registered"),
        Words("实际给多少沉睡客户发过短信", "how many sleeping customers were messaged at all"),
    )  # fmt: skip


def content_engagement(reads: float = 100_000, likes: Range = (100.0, 300.0, 999.0)) -> Arithmetic:
    """A column with 100,000+ reads and hundreds of likes an article: what share of the readers that is.

    numbers of the claim  ->  Arithmetic

    Parameters
    ----------
    reads : an article
        Official accounts show no more than "100,000+", so that this is the least there may have been.
    likes : "hundreds" is read as 100 to 999

    Returns
    -------
    Arithmetic with figures: content_engagement_share (likes / reads, an upper bound as reads are cut off),
    content_engagement_silent (readers without a like, at least).

    Example
    -------
    >>> content_engagement(100_000, 300).figures["content_engagement_share"].value
    0.003
    """
    seen = assumed(
        "reads",
        reads,
        "people",
        Words("每篇阅读（显示上限，实际可能更多）", "reads an article (the display ends there; it may be more)"),
        0,
    )
    liked = assumed("likes", likes, "people", Words("每篇点赞", "likes an article"), -1e-12, seen.value)
    wanted = (
        ("share", lambda r, k: k / r, (seen, liked), "share",
         Words("点赞 ÷ 阅读；阅读数只显示到上限，故为最高值", "likes / reads; reads are cut off, so at most")),
        ("silent", lambda r, k: r - k, (seen, liked), "people",
         Words("读了而没有点赞的人次（至少）", "reads without a like, at least")),
    )  # fmt: skip
    return Arithmetic(
        "content_engagement", "cl025",
        Words("海底捞的菜谱专栏，几乎篇篇十万以上阅读、几百个“好看”",
              "Haidilao's recipe column: nearly each article has over 100,000 reads and hundreds of likes"),
        _figures("content_engagement", wanted, content_engagement), (seen, liked), CONSISTENT,
        Words("两个数并不矛盾，但说明绝大多数读者没有任何动作；阅读多不等于互动多，更不等于到店",
              "the two numbers fit, and say that nearly all readers do nothing: many reads are not much engagement, "
              "and say nothing of visits"),
        Words("读者中有多少是可以再次触达的客户，读过的人是否更常到店",
              "how many readers are customers who can be reached again, and whether they visit more often"),
    )  # fmt: skip


def followers(
    fans: float = 700_000,
    likes: float = 1_200_000,
    videos: Range = (50.0, 200.0, 600.0),
    joining: Range = (0.001, 0.01, 0.05),
) -> Arithmetic:
    """700,000 followers and 1.2 million likes on Douyin: likes per follower, and what the brand would own of them.

    numbers of the claim, assumptions  ->  Arithmetic

    Parameters
    ----------
    fans, likes : of the account, over all its videos
    videos : published so far
    joining : share of followers who become contacts of the brand's own pool

    Returns
    -------
    Arithmetic with figures: followers_likes (likes / followers), followers_likes_a_video (of them, a video),
    followers_contacts (followers who become contacts), followers_times (that / the 30,000 customers of the trade's own
    worked case).

    Example
    -------
    >>> found = followers(700_000, 1_200_000, 200, 0.01)
    >>> [round(number.value, 4) for number in found.figures.values()]
    [1.7143, 0.0086, 7000.0, 0.2333]
    """
    fan = assumed("fans", fans, "people", Words("粉丝", "followers"), 0)
    like = assumed("likes", likes, "times", Words("累计获赞", "likes in all"), -1e-12)
    made = assumed("videos", videos, "times", Words("发布过的视频", "videos published"), 0)
    joins = assumed(
        "joining",
        joining,
        "share",
        Words("粉丝中成为自有私域客户的比例", "share of followers who join the brand's own pool"),
        -1e-12,
        1,
    )
    wanted = (
        ("likes", lambda f, k: k / f, (fan, like), "times",
         Words("累计获赞 ÷ 粉丝（不是每条视频）", "likes in all / followers, over all videos")),
        ("likes_a_video", lambda f, k, v: k / f / v, (fan, like, made), "share",
         Words("平均每条视频，点赞 ÷ 粉丝（点赞者未必是粉丝）",
               "likes / followers of an average video (not all by followers)")),
        ("contacts", lambda f, j: f * j, (fan, joins), "customers",
         Words("粉丝 × 进入自有私域的比例", "followers x share who join the brand's own pool")),
        ("times", lambda f, j: f * j / CASE["customers"], (fan, joins), "times",
         Words("由此得到的私域客户 ÷ 同类文章案例中的 3 万老客户",
               "these contacts / the 30,000 customers of the trade's own case")),
    )  # fmt: skip
    return Arithmetic(
        "followers", "cl026",
        Words("湖南徐记海鲜在抖音有近 70 万粉丝、120 万点赞",
              "Hunan's Xu Ji Seafood has nearly 700,000 followers and 1.2 million likes on Douyin"),
        _figures("followers", wanted, followers), (fan, like, made, joins), DEPENDS,
        Words("粉丝属于平台的推荐系统，看到与否由平台决定；有多少变成品牌自己联系得上的客户，原文没有说，而这才是私域",
              "followers hang on the platform's feed, which decides who sees what; how many became contacts of the "
              "brand's own is not said, and only they are its pool"),
        Words("从抖音进入企业微信或会员的人数，以及他们的到店次数",
              "how many came from Douyin into WeCom or the membership, and how often they visit"),
    )  # fmt: skip


def menu_steps(step_share: Range = (0.3, 0.5, 0.8), steps_before: int = 4, steps_after: int = 2) -> Arithmetic:
    """A menu under the text message that takes two steps instead of four: how many more arrive.

    numbers of the claim, assumptions  ->  Arithmetic

    Parameters
    ----------
    step_share : share of people who go on from one step to the next, alike at every step
    steps_before, steps_after : int

    Returns
    -------
    Arithmetic with figures: menu_steps_before (share^4), menu_steps_after (share^2), menu_steps_times.

    Example
    -------
    >>> [number.value for number in menu_steps(0.5).figures.values()]
    [0.0625, 0.25, 4.0]
    """
    goes_on = assumed(
        "step_share",
        step_share,
        "share",
        Words("每一步继续往下走的比例（各步相同）", "share who go on at each step, alike at all"),
        0,
        1,
    )
    if not (steps_before == int(steps_before) and steps_after == int(steps_after) and 1 <= steps_after < steps_before):
        raise ValueError("steps must be whole numbers, with 1 <= steps_after < steps_before")
    wanted = (
        ("before", lambda p: p**steps_before, (goes_on,), "share",
         Words("原来的步数走完的占比", "share who arrive by the longer way")),
        ("after", lambda p: p**steps_after, (goes_on,), "share",
         Words("缩短后走完的占比", "share who arrive by the shorter way")),
        ("times", lambda p: p ** (steps_after - steps_before), (goes_on,), "times",
         Words("缩短后 ÷ 缩短前", "shorter / longer")),
    )  # fmt: skip
    return Arithmetic(
        "menu_steps", "cl024",
        Words("从短信到打开 App 再到活动页要四步，客户容易流失；短信菜单两步直达",
              "from the message by the app to the offer takes four steps and loses people; a menu under the message "
              "takes two"),
        _figures("menu_steps", wanted, menu_steps), (goes_on,), CONSISTENT,
        Words("步数减少，到达的人一定不减；能多多少取决于每一步的流失，而多到的人未必同样会买：被省掉的两步也在筛选意愿",
              "with fewer steps no fewer arrive, and by how much depends on the loss at each step; but those who "
              "arrive in addition need not buy as often, as the steps left out also sorted by intention"),
        Words("每一步的实际人数，以及随机分两版发送后的下单差别",
              "how many there are at each step, and the orders of two versions sent at random"),
    )  # fmt: skip


def _figures(key, wanted, function) -> dict:
    """All figures of a claim from rows (name, formula, assumptions it takes, unit, words)."""
    found: dict = {}
    for name, formula, takes, unit, words in wanted:
        found |= spanned(f"{key}_{name}", formula, takes, unit, words, function)
    return found
