"""The lake: tables as folders of Parquet files, their contracts, daily tables as pure functions. It knows no GTM."""
