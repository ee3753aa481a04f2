"""Companies by their names: who is most like whom, and which names mean one company."""

import pytest

from gtm_platform.identity.matching.company_names import SAME, best_matches, clusters_of
from gtm_platform_tests.identity.matching.made_up_records import company_names


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_noisy_names_meet_their_clean_ones(seed: int) -> None:
    noisy, clean = company_names(500, seed)
    rows = best_matches(noisy, clean).to_pylist()
    right = sum(row["left"] == row["right"] for row in rows)
    assert right / len(noisy) >= 0.98
    accepted = [row for row in rows if row["similarity"] >= SAME]
    assert all(row["left"] == row["right"] for row in accepted)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Acme Inc.", "ACME, Incorporated"),
        ("Müller & Söhne GmbH", "Mueller und Soehne"),
        ("Northwind Traders Ltd", "Traders, Northwind"),
        ("Contoso S.A.", "Contoso SA"),
        ("Fabrikam Mfg.", "Fabrikam Manufacturing LLC"),
        ("Data Works", "DataWorks BV"),
        ("Газпром Нефть", "Gazprom Neft"),
        ("日立", "Ri Li"),
    ],
)
def test_the_same_company_written_otherwise_is_the_best_match(left: str, right: str) -> None:
    others = ["Actinium Inc", "Mueller Holding", "Northern Trade", "Contessa SA", "Fabric Manufacturing", "Data Walks"]
    rows = best_matches([left], [*others, right]).to_pylist()
    assert [row["right"] for row in rows] == [len(others)]


def test_a_match_leads_where_no_other_name_comes_near() -> None:
    names = ["Northwind Traders", "Contoso Foods", "Fabrikam"]
    rows = best_matches(["Northwind Trading", "Contoso Foods", "Contoso Food"], names).to_pylist()
    clear, right, rival = (row["lead"] for row in rows)
    assert clear > 0.3
    assert rival < 0 < right  # both are most like the same name, and the one of them more so


def test_names_of_other_alphabets_are_not_all_one() -> None:
    rows = best_matches(["日立製作所", "Яндекс"], ["株式会社東芝", "Сбербанк"]).to_pylist()
    assert all(row["similarity"] < 0.7 for row in rows)


def test_names_that_mean_one_company_are_a_cluster() -> None:
    _, names = company_names(300)
    copies = [*names, "Northwind Traders Ltd", "Northwind Traders, Inc.", "northwind traders", ""]
    labels = {row["row"]: row["cluster"] for row in clusters_of(copies).to_pylist()}
    assert {labels[n] for n in range(300, 303)} == {300}
    assert len({labels[n] for n in range(300)}) >= 298
    assert labels[303] == 303
