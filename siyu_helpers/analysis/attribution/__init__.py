"""Parts of `channel_attribution`: journeys, rules, chains, Shapley values, intervals, hand-overs, money."""
