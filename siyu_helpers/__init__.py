"""Helpers of the private-domain traffic workbook, on three floors: data, analysis, reporting.

An import only ever points down: reporting may use analysis and data, analysis may use data, data uses neither.
"""
