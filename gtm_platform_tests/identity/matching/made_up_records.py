"""Made-up people and companies, and what happens to their records: typing errors, gaps, short forms, other customs.

Seeded. Names are made of syllables and are as unequally frequent as names are. Each record is a dict of texts, with its
`unique_id` and the `person` that it is of, which no matching may read.
"""

import random
import string
from collections.abc import Callable, Mapping

Record = dict[str, str | None]

SYLLABLES = """
    ba ri no ta lu ve ko mi sa den tor vex plo gra sy zen qua fi lo mar hel ing ston ker wald bri cam
""".split()  # noqa: SIM905
TRADES = "Labs Systems Software Data Cloud Analytics Health Energy Media Logistics Foods Bank".split()  # noqa: SIM905
OCCUPATIONS = "painter writer soldier merchant lawyer farmer physician bishop".split()  # noqa: SIM905


class Names:
    """Words as frequent as names: the nth about 1/n as often as the first."""

    def __init__(self, chance: random.Random, number: int, syllables: tuple[int, ...]) -> None:
        words = {"".join(chance.choices(SYLLABLES, k=chance.choice(syllables))) for _ in range(number * 2)}
        self.words = sorted(words)[:number]
        chance.shuffle(self.words)
        self.weights = [1 / (n + 8) for n in range(len(self.words))]
        self.chance = chance

    def draw(self) -> str:
        return self.chance.choices(self.words, self.weights)[0]


def typing_error(text: str, chance: random.Random) -> str:
    """One letter more, less, other, or two in each other's place."""
    if len(text) < 3:
        return text
    place = chance.randrange(len(text) - 1)
    letter = chance.choice(string.digits if text[place].isdigit() else string.ascii_lowercase)
    before, here, after = text[:place], text[place], text[place + 1 :]
    return chance.choice(
        [before + letter + after, before + after, before + letter + here + after, before + after[0] + here + after[1:]]
    )


def spoilt(record: Record, chance: random.Random, errors: float, gaps: Mapping[str, float]) -> Record:
    """Return a record with typing errors and gaps."""
    result = dict(record)
    for column, value in record.items():
        if value is None or column in ("unique_id", "person"):
            continue
        if chance.random() < gaps.get(column, 0):
            result[column] = None
        elif chance.random() < errors:
            result[column] = typing_error(value, chance)
    return result


def contacts(people: int, seed: int = 1) -> list[Record]:
    """People of a contact list with little to go by: names, date of birth, city, sometimes an e-mail address."""
    chance = random.Random(seed)
    first, last, city = Names(chance, 250, (2, 3)), Names(chance, 900, (2, 3)), Names(chance, 60, (2, 3))
    records = []
    for person in range(people):
        given, family, town = first.draw(), last.draw(), city.draw()
        born = f"{chance.randrange(1940, 2006)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        mail = f"{given[0]}.{family}{chance.randrange(100)}@{chance.choice(['quick', 'post', 'inbox'])}.example"
        whole = {"forename": given, "family_name": family, "born": born, "town": town, "e-mail": mail}
        for copy in range(chance.choice([1, 2, 3, 4, 6])):
            record: Record = {"unique_id": f"{person}-{copy}", **whole, "person": str(person)}
            if chance.random() < 0.06:
                record["forename"], record["family_name"] = family, given
            gaps = dict.fromkeys(whole, 0.15) | {"e-mail": 0.2, "town": 0.25}
            records.append(spoilt(record, chance, 0.15, gaps))
    return records


def biographies(people: int, seed: int = 2, copies: int = 10) -> list[Record]:
    """People of old registers: the name whole and in parts, uncertain dates, places and callings that change."""
    chance = random.Random(seed)
    first, last, town = Names(chance, 150, (1, 2)), Names(chance, 4000, (2, 3)), Names(chance, 400, (2, 3, 4))
    records = []
    for person in range(people):
        given, family, place = [first.draw(), first.draw()], last.draw(), town.draw()
        year, month, day = chance.randrange(1700, 1900), chance.randrange(1, 13), chance.randrange(1, 29)
        district, calling = f"{place[:2]}{chance.randrange(1, 20)}", chance.choice(OCCUPATIONS)
        for copy in range(chance.randrange(1, 2 * copies)):
            born = f"{year}-{month:02}-{day:02}" if chance.random() < 0.6 else f"{year}-01-01"
            if chance.random() < 0.1:
                born = f"{year + chance.choice([-10, -1, 1, 10])}-{month:02}-{day:02}"
            shown = given if chance.random() < 0.4 else given[:1] if chance.random() < 0.9 else [given[0][:1]]
            record: Record = {
                "unique_id": f"{person}-{copy}",
                "person": str(person),
                "full_name": None,
                "first_name": shown[0],
                "surname": family,
                "dob": born,
                "birth_place": place,
                "postcode": f"{district} {chance.randrange(1, 4)}{chance.choice('ab')}",
                "gender": chance.choice(["m", "f"]),
                "occupation": calling if chance.random() < 0.7 else chance.choice(OCCUPATIONS),
            }
            gaps = {"dob": 0.25, "birth_place": 0.15, "postcode": 0.25, "gender": 0.2, "occupation": 0.3}
            record = spoilt(record, chance, 0.08, gaps)
            record["full_name"] = " ".join([record["first_name"] or "", *shown[1:], record["surname"] or ""]).strip()
            records.append(record)
    return records


def colleagues(companies: int, seed: int = 3) -> list[Record]:
    """People who share company, city and switchboard with their colleagues, as several systems write them down."""
    chance = random.Random(seed)
    first, last, word = Names(chance, 300, (1, 2)), Names(chance, 2000, (2, 3)), Names(chance, 3000, (2, 3))
    forms, records, person = ["", " Inc", " GmbH", " Ltd.", ", Inc.", " S.A."], [], 0
    for _ in range(companies):
        name, city = f"{word.draw()} {word.draw()}", word.draw()
        board = "".join(chance.choices(string.digits, k=10))
        domain = name.replace(" ", "") + ".example"
        for _ in range(chance.choice([1, 1, 2, 3, 5, 8, 13])):
            given, family = first.draw(), last.draw()
            mobile = "".join(chance.choices(string.digits, k=10))
            for copy in range(chance.choice([1, 2, 2, 3, 4])):
                phone = chance.choice([board, mobile, mobile])
                record: Record = {
                    "unique_id": f"{person}-{copy}",
                    "person": str(person),
                    "first_name": given if chance.random() < 0.85 else given[: chance.choice([1, 3])],
                    "last_name": family,
                    "company": name + chance.choice(forms),
                    "city": city,
                    "phone": chance.choice([phone, f"+1 {phone}", f"({phone[:3]}) {phone[3:6]}-{phone[6:]}"]),
                    "email": f"{given}.{family}@{domain}" if chance.random() < 0.35 else None,
                }
                gaps = {"company": 0.15, "city": 0.25, "phone": 0.4}
                records.append(spoilt(record, chance, 0.05, gaps))
            person += 1
    return records


def company_names(number: int, seed: int = 4) -> tuple[list[str], list[str]]:
    """Return as many noisy names as clean ones; the nth of the one is the nth of the other."""
    chance = random.Random(seed)
    word, last = Names(chance, 6000, (2, 3, 4)), Names(chance, 2000, (2, 3))
    clean: dict[str, str] = {}
    while len(clean) < number:
        core = chance.choice(
            [
                word.draw().title(),
                f"{word.draw().title()} {chance.choice(TRADES)}",
                f"{last.draw().title()} & {last.draw().title()}",
                f"{last.draw().title()}, {last.draw().title()} and {last.draw().title()}",
                f"{word.draw().title()} {word.draw().title()} {chance.choice(TRADES)}",
                f"Müller {word.draw().title()} {chance.choice(TRADES)}",
            ]
        )
        clean.setdefault(core.lower(), core + chance.choice(LEGAL_FORMS))
    names = list(clean.values())
    return [_as_somebody_writes_it(name, chance) for name in names], names


LEGAL_FORMS = ["", " Inc", " Inc.", " LLC", " GmbH", " Ltd", " Limited", " S.A.", " S.r.l.", " B.V.", " AG", " Corp."]


def _as_somebody_writes_it(name: str, chance: random.Random) -> str:
    ways: list[Callable[[], str]] = [
        lambda: typing_error(name, chance),
        lambda: typing_error(typing_error(name, chance), chance),
        lambda: _bare(name) + chance.choice(LEGAL_FORMS),
        lambda: " ".join(chance.sample(name.split(), len(name.split()))),
        lambda: name.replace("ü", "ue").upper(),
        lambda: name.replace(" & ", " and ").replace(",", ""),
        lambda: name.replace(" ", "-", 1).lower(),
        lambda: " ".join(word for word in name.split() if word not in TRADES) if len(name.split()) > 3 else name,
    ]
    return chance.choice(ways)()


def _bare(name: str) -> str:
    form = max((form for form in LEGAL_FORMS if name.endswith(form)), key=len)
    return name.removesuffix(form)
