"""The one form, per role, in which values are compared: as SQL over a column, and transliteration before it."""

import pyarrow as pa
import pyarrow.compute as pc
from anyascii import anyascii

from gtm_platform.identity.matching.roles import Role

LEGAL_FORMS = """
    inc incorporated llc llp lp ltd limited corp corporation co company plc gmbh mbh ag kg kgaa ohg ug se eg ev sa sas
    sarl sl slu srl spa bv nv ab as asa oy oyj aps pty pte kk sp zoo oo holding holdings group gruppe cie
""".split()  # noqa: SIM905
SHORT_FORMS = {
    "intl": "international", "natl": "national", "mfg": "manufacturing", "mgmt": "management", "svcs": "services",
    "svc": "service", "bros": "brothers", "assoc": "associates", "univ": "university", "tech": "technology",
    "technologies": "technology", "sys": "systems", "engr": "engineering", "dept": "department", "und": "and",
    "et": "and",
}  # fmt: skip
WRITTEN_DATES = ["%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%d. %B %Y", "%B %d %Y", "%b %d %Y"]


def transliterated(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts in the letters a to z, each different text spelt once."""
    coded = pc.dictionary_encode(column.combine_chunks())
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    spelt = [text if text.isascii() else anyascii(text) for text in coded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(spelt, pa.string()).take(coded.indices)])


def normal_form(value: str, role: Role, *, day_first: bool = False) -> str:
    """Return the SQL of a value's normal form; null for what says nothing."""
    if role is Role.DATE:
        return _date(value, day_first)
    if role is Role.PHONE:
        return f"nullif(right(regexp_replace({value}, '[^0-9]', '', 'g'), 9), '')"
    if role in (Role.CODE, Role.ID, Role.NUMBER):
        return f"nullif(regexp_replace(lower({value}), '[^0-9a-z]', '', 'g'), '')"
    if role is Role.EMAIL:
        return f"nullif(lower(trim({value})), '')"
    return _company(value) if role is Role.COMPANY else _words(f"lower({value})")


def _words(text: str) -> str:
    return f"nullif(trim(regexp_replace({text}, '[^a-z0-9]+', ' ', 'g')), '')"


def _company(value: str) -> str:
    site = f"regexp_replace(lower({value}), '^(https?://)?(www\\.)?', '')"
    return without_legal_form(company_words(site))


def company_words(value: str) -> str:
    """Return the SQL of a company name's words.

    S.A. is read as sa, & as and, short forms as what they stand for.
    """
    text = f"regexp_replace(lower({value}), '\\b([a-z])\\.', '\\1', 'g')"
    words = _words(f"regexp_replace({text}, '[&+]', ' and ', 'g')")
    text = f"' ' || {words} || ' '"
    for short, whole in SHORT_FORMS.items():
        text = f"replace({text}, ' {short} ', ' {whole} ')"
    return f"trim({text})"


def without_legal_form(name: str) -> str:
    """Return the SQL of a name without the legal forms at its end, unless it is nothing else."""
    bare = f"nullif(trim(regexp_replace({name}, '( (and )?({'|'.join(LEGAL_FORMS)}))+$', '')), '')"
    return f"coalesce({bare}, {name})"


def _date(value: str, day_first: bool) -> str:
    """As yyyymmdd where the value has a year of four digits at either end; else its digits."""
    year, end = (f"regexp_extract({value}, '{pattern}', ['a', 'b', 'c'])" for pattern in (YEAR_FIRST, YEAR_LAST))
    day, month = ("a", "b") if day_first else ("b", "a")
    compact = f"regexp_extract({value}, '^(\\d\\d)(\\d\\d)(\\d{{4}})$', ['a', 'b', 'c'])"
    return f"""case
        when regexp_matches({value}, '{YEAR_FIRST}') then {_joined(year, "a", "b", "c")}
        when regexp_matches({value}, '{YEAR_LAST}') then {_joined(end, "c", month, day)}
        when regexp_matches({value}, '^[0-3]\\d[0-1]\\d(1[5-9]|20)\\d\\d$')
             and not regexp_matches({value}, '^(1[5-9]|20)\\d\\d[0-1]\\d[0-3]\\d$')
             then {_joined(compact, "c", "b", "a")}
        when regexp_matches({value}, '[A-Za-z]') then coalesce(
            strftime(try_strptime({value}, {WRITTEN_DATES!r}), '%Y%m%d'), {_digits(value)})
        else {_digits(value)} end"""


YEAR_FIRST = r"^\D*(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})"
YEAR_LAST = r"^\D*(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})"


def _joined(parts: str, year: str, month: str, day: str) -> str:
    return f"({parts}).{year} || lpad(({parts}).{month}, 2, '0') || lpad(({parts}).{day}, 2, '0')"


def _digits(value: str) -> str:
    return f"nullif(regexp_replace({value}, '[^0-9]', '', 'g'), '')"


def day_first_votes(value: str) -> str:
    """Return the SQL of a number: above 0 where dates that end with the year begin with the day."""
    first = f"try_cast(regexp_extract({value}, '{YEAR_LAST}', 1) as integer)"
    second = f"try_cast(regexp_extract({value}, '{YEAR_LAST}', 2) as integer)"
    dotted = f"regexp_matches({value}, '^\\d+\\.\\d+\\.')"
    return f"sum(case when {first} > 12 then 100 when {second} > 12 then -100 when {dotted} then 1 else 0 end)"
