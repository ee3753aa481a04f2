"""What DuckDB can and Spark cannot, as functions in Spark's SQL: executors need nobody's Python for them."""

# One way to write what can be written as a letter or as a letter and its accent: Unicode's NFC, by the library that
# Spark itself compares texts with. Plain text, as nearly all is, has one way only.
NFC_NORMALIZE = """create or replace temporary function nfc_normalize(written string) returns string return
    case when written is null or octet_length(written) = char_length(written) then written
    else java_method('com.ibm.icu.text.Normalizer', 'compose', written, false) end"""
FUNCTIONS = (NFC_NORMALIZE,)
