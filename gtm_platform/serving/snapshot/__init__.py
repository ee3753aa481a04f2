"""The file that is served from: its layout, how it is filled from the lake, and how it takes its place."""
