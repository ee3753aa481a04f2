"""Who is who in a small world, against its truth, from the records of eleven systems."""

from gtm_platform_tests.bench.identity import against_truth
from gtm_platform_tests.bench.rounds import in_child


def test_people_and_companies_of_a_world_are_those_of_its_truth() -> None:
    found = in_child(f"{against_truth.__module__}:{against_truth.__name__}", people=200).findings
    assert found["records"] > 1_000
    assert found["mixed"] == 0  # nobody was glued to a stranger, through a shared inbox or a mail provider either
    assert found["people"]["f1"] >= 0.995
    assert found["companies"]["f1"] >= 0.98
