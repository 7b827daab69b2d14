"""The eight RFM segments in words: what they are called, and what to do with them.

The Chinese names are those common in the trade; how they are given to customers is told in `segments`.
"""

from siyu_helpers.analysis.estimates import Words

SEGMENTS = {  # in the order of every table: M, then R, then F
    "重要价值": Words("重要价值客户", "High spend, loyal"),
    "重要发展": Words("重要发展客户", "High spend, to develop"),
    "重要保持": Words("重要保持客户", "High spend, to keep"),
    "重要挽留": Words("重要挽留客户", "High spend, to win back"),
    "一般价值": Words("一般价值客户", "Lower spend, loyal"),
    "一般发展": Words("一般发展客户", "Lower spend, to develop"),
    "一般保持": Words("一般保持客户", "Lower spend, to keep"),
    "一般挽留": Words("一般挽留客户", "Lower spend, to win back"),
}
NOT_YET_CUSTOMER, OUTSIDE_WINDOW = "not_yet_customer", "outside_window"
OUTSIDE = {
    NOT_YET_CUSTOMER: Words("当时没有订单", "No order at that time"),
    OUTSIDE_WINDOW: Words("期内没有订单", "No order in the window"),
}

ACTIONS = {
    "重要价值": Words(
        "安排专人一对一维护，新品和会员权益优先给到；折扣券先小范围试，留出对照再定。",
        "Serve them one to one, with first access to new products and benefits; try discounts on a part of them "
        "first, beside a group that gets none.",
    ),
    "重要发展": Words(
        "花得多、近期来过，但次数少：收货后做使用回访，用搭配品、补货提醒或会员权益带出下一单。",
        "They spend well and came lately, but not often: follow up on the last order and lead to the next with "
        "matching products, a refill reminder or a membership.",
    ),
    "重要保持": Words(
        "以前常买、花得多，近期没来：由熟悉的客服主动联系，先问清原因，再给一个专属的回来理由。",
        "They used to buy often and a lot, and have been away: have the person they know ask why, then give them a "
        "reason of their own to return.",
    ),
    "重要挽留": Words(
        "花过大钱，但次数少、很久没来：值得人工召回，给一次限期的回归礼；随机留出一部分不联系，才知道召回有没有用。",
        "They spent a lot on few purchases, long ago: worth a personal call or message with one dated offer; leave a "
        "random part alone, or nobody will know whether it worked.",
    ),
    "一般价值": Words(
        "来得勤、花得少：用套装、加价购和满额门槛提高每次消费，并请他们老带新；大额券先做对照试验。",
        "They come often and spend little: raise the basket with sets, add-ons and thresholds, and ask for referrals; "
        "test large vouchers before using them.",
    ),
    "一般发展": Words(
        "近期来过，次数少、金额低，多为新客：做好入群欢迎和使用指导，集中促成第二单。",
        "Bought recently, few purchases, low spend, mostly new: welcome them, help them use what they bought, and aim "
        "at the second order.",
    ),
    "一般保持": Words(
        "以前常来、金额不高，近期没来：用上新、补货和常购品提醒低成本群发，不占用人工。",
        "They used to come often for small amounts: remind them by low-cost broadcast of news, refills and what they "
        "usually buy; spend no staff time.",
    ),
    "一般挽留": Words(
        "很久没来、买得少、花得少：只在大促时低成本唤醒，连续几次没有回应就停发，以免退订。",
        "Long gone, few purchases, low spend: a low-cost message at the big promotions only, and stop after a few "
        "without an answer, so that they do not opt out.",
    ),
}
