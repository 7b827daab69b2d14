"""The words of a verdict: levels, outcomes, how the comparison was made, and what each rule asks and means.

RULES : rule -> (what is asked, what it means when it fails).
"""

from siyu_helpers.analysis.estimates import Words

LEVEL_WORDS = {
    "strong": Words("证据充分", "Strong"),
    "suggestive": Words("有一定证据", "Suggestive"),
    "not identified here": Words("凭这些数据无法判定", "Not identified here"),
}
OUTCOMES = {
    "orders": Words("订单数", "orders"),
    "repurchase": Words("复购率", "repurchase"),
    "spend": Words("销售额", "spend"),
    "contribution": Words("贡献毛利", "contribution"),
    "referrals": Words("转介绍客户数", "referrals"),
}

HOW = {
    "invitation": Words("谁受邀请由抽签决定，抽签有效", "a lot decided who was invited, the lot holds"),
    "roll_out": Words(
        "各门店（或城市）先后开通私域，开通之前走势相近",
        "stores or cities opened the pool in turn and moved alike before",
    ),
    "weekly_trials": Words(
        "拿加入者与同一周、下单历史相近而没有加入的客户相比，各项检查都通过",
        "joiners were compared with customers of the same week and a similar history; every check held",
    ),
}
BUT = {
    "invitation": Words("", ""),
    "roll_out": Words(
        "门店开通的先后不是抽签定的，与开通同时发生的其他变化无法排除。",
        " The order of opening was not drawn by lot: whatever else changed with it cannot be ruled out.",
    ),
    "weekly_trials": Words(
        "但谁加入不是随机的，没有记录的因素无法完全排除；要坐实，需要随机邀请或随机留白，可行与否见“把它弄清楚的实验”。",
        " But joining was not random, so something unrecorded cannot be ruled out; a random invitation or holdout "
        "would settle it, if it can be made large enough (see the experiment below).",
    ),
}
NEXT = {
    "lot": Words(
        "要得到答案，需要随机邀请或随机留白，前提是人数够（见“把它弄清楚的实验”）。",
        "A random invitation or holdout would answer the question, if it can be made large enough.",
    ),
    "larger lot": Words(
        "抽签本身有效，要得到答案，请扩大抽签人数或延长观察。",
        "The lot itself holds; a larger one, or a longer follow-up, would answer the question.",
    ),
}
RULES = {
    "design": (
        Words("数据允许做有效的比较", "the data allow a comparison that means something"),
        Words("数据只能拿已加入的与未加入的客户相比", "the data allow no comparison but members against others"),
    ),
    "effect": (
        Words("效果可以估计", "the effect can be estimated"),
        Words("效果无法估计", "the effect cannot be estimated"),
    ),
    "lot": (
        Words(
            "抽签按说好的概率进行，抽签前两组没有差别（检验的 p 值）",
            "the lot was drawn as stated, and the sides did not differ before it (p-value of the tests)",
        ),
        Words(
            "抽签与说好的概率不符，或抽签前两组就有差别",
            "the lot was not drawn as stated, or its sides differed before it",
        ),
    ),
    "first_stage": (
        Words("受邀确实让更多客户加入（首阶段 F 值）", "being invited did make more customers join (first stage, F)"),
        Words(
            "受邀与否对加入几乎没有影响，抽签说明不了什么",
            "the invitation hardly changed who joined, so the lot says little",
        ),
    ),
    "answer": (
        Words(
            "结论明确：置信区间不含零，或整个区间都小到不值一提",
            "a clear answer: an interval without 0, or within what is too small to matter",
        ),
        Words(
            "置信区间既含 0，又含不小的影响：客户太少或观察太短",
            "the interval holds both 0 and effects that would matter: too few customers, or too short a time",
        ),
    ),
    "units": (
        Words("门店或城市足够多", "enough stores or cities"),
        Words("门店或城市太少", "there are too few stores or cities"),
    ),
    "leads": (
        Words("开通之前走势相近（联合检验的 p 值）", "alike before opening (p-value of the joint test)"),
        Words(
            "开通之前走势就不同，或无从检验", "stores already moved differently before opening, or it cannot be tested"
        ),
    ),
    "survives_leads": (
        Words(
            "假如开通前的走势差异一直持续，扣掉之后结论不变",
            "if the drift before opening went on, the answer would stay the same without it",
        ),
        Words(
            "开通前的走势测得不够准：假如差异一直持续，扣掉之后结论未必成立",
            "the drift before opening is not measured well enough: if it went on, the answer might not stand",
        ),
    ),
    "joiners": (
        Words("可供比较的加入者足够多", "enough joiners"),
        Words("下单后才加入、又观察满期的客户太少", "too few customers joined after an order and can be followed"),
    ),
    "comparators": (
        Words("相近的对照足够多（折合成同等权重）", "enough comparators like them (counted as equally weighted)"),
        Words("与加入者相近的对照太少", "too few comparators are like the joiners"),
    ),
    "balance": (
        Words(
            "加权之后，加入者与对照在各项记录上相近（标准化均值差的最大值）",
            "after weighting, joiners and comparators are alike in all that is recorded (largest standardised "
            "difference)",
        ),
        Words(
            "加权之后，加入者与对照在有记录的方面仍有差别", "joiners and comparators still differ in what is recorded"
        ),
    ),
    "placebo": (
        Words(
            "安慰剂检验：加入之前的几天里，加入者的订单与对照没有差别",
            "placebo: in the days before joining, joiners ordered no more and no less than comparators",
        ),
        Words(
            "加入之前的几天里，加入者的订单就与对照不同：有没有记录下来的因素在起作用",
            "joiners already ordered differently in the days before joining: something unrecorded is at work",
        ),
    ),
    "placebo_power": (
        Words(
            "安慰剂检验足够灵敏：加入前的差距，误差不超过原有水平的三成",
            "the placebo is sharp enough: the gap before joining is known to within 30% of what is usual",
        ),
        Words(
            "客户或订单太少，加入之前两边是否已经不同，看不清楚，之后的差别也就不能当作效果",
            "with so few customers or orders, a sizeable gap before joining could go unseen, and a gap afterwards "
            "cannot be taken for an effect",
        ),
    ),
    "survives_placebo": (
        Words(
            "假如加入之前的差距一直持续，扣掉之后结论不变",
            "if the gap before joining went on, the answer would stay the same without it",
        ),
        Words(
            "加入之前的差距测得不够准：假如它一直持续，扣掉之后结论未必成立",
            "the gap before joining is not measured well enough: if it went on, the answer might not stand",
        ),
    ),
    "grid": (
        Words(
            "换一种估计方法或取舍，方向一致，同一批客户的各个置信区间有共同部分",
            "other estimators and trims give the same sign, and for the same customers all intervals share a stretch",
        ),
        Words("换一种估计方法或取舍，结论就变", "other estimators or trims give another answer"),
    ),
    "sensitivity": (
        Words(
            "要把效果解释掉，隐藏的因素至少要与有记录的最强客户特征一样强（倍数）",
            "to explain the effect away, something hidden would have to be at least as strong as the strongest "
            "recorded trait of customers (times)",
        ),
        Words(
            "一个比已记录特征更弱的隐藏因素，就足以解释整个效果",
            "something hidden and weaker than a recorded trait would be enough to explain the effect away",
        ),
    ),
    "survives_unlinked": (
        Words(
            "假如对应不到客户的订单都是私域以外客户的复购，结论不变",
            "if all orders without a customer key were repeat orders outside the pool, the answer would stay the same",
        ),
        Words(
            "太多订单对应不到客户：假如都是私域以外客户的复购，结论未必成立",
            "too many orders carry no customer key: if they were repeat orders outside the pool, the answer might not "
            "stand",
        ),
    ),
    "linked": (
        Words("销售额大部分能对应到客户", "most of the revenue carries a customer key"),
        Words(
            "有太多销售额对应不到客户，私域以外的复购可能漏记",
            "too much of the revenue carries no customer key, so that repeat orders outside the pool may be missing",
        ),
    ),
}
