"""ChartMogul as a source: a second opinion on recurring revenue."""
