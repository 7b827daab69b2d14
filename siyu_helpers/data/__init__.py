"""Ground floor: what a brand's files may contain, and how they become tables.

Knows nothing of the floors above (analysis, reporting).
"""
