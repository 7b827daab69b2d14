"""The models behind `siyu_helpers.analysis.customer_lifetime`: how often customers buy, until when, and how much."""
