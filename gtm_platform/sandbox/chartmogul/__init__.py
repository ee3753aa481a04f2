"""An emulator of the ChartMogul API."""
