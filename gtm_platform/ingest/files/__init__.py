"""Files that people drop: picked up once, read row by row, mapped by their headings, kept as they came.

What a file must look like is a source's own matter (`layout.FileLayout`); how one is read is the same for all.
"""
