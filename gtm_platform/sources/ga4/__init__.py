"""Google Analytics 4 as a source: sessions, pages, conversions by the day; companies, if a dimension names them."""
