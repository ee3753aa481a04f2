"""What ZoomInfo knows of companies: their size, industry and country."""

from gtm_platform.ingest.market_feeds import answers_of

FEEDS = (answers_of("zoominfo", precedence=20),)
