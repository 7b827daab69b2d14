"""Middle floor: one module per question. Tables in, tables and `Estimate`s out.

Reads no file, draws nothing, prints nothing, asks no clock, and knows nothing of `siyu_helpers.reporting`.
"""
