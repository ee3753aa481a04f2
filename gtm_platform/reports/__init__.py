"""Reports of a week, a month or a quarter, as HTML, PDF and CSV: one file each in `kinds`, over one layout.

Every figure is a metric of `serving/metrics` or a row of the daily tables; the same day and inputs make the same bytes.
"""
