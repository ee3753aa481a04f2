"""What surrounds every page: the script that Streamlit runs, the menu, the search, and how one page leads to another.

The script does not lie beside `pages`: Streamlit takes a folder of that name beside its script for pages of its own.
"""
