"""Which hosts an expectation names, and how it is put into words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.domain.expectation import Bound, Expectation, Verdict, is_named
from harness.domain.result import Status
from harness.domain.run import Gpu, Host

HOST = Host(
    cpu="Intel(R) Xeon(R) Platinum 8480+",
    architecture="x86_64",
    physical_cores=56,
    logical_cores=112,
    isa=(),
    memory_bytes=2**39,
    system="Linux",
    gpus=(Gpu("NVIDIA H100 80GB HBM3", 0),),
)


@pytest.mark.parametrize("name", ["Xeon", "xeon", "intel", "8480+", "H100"])
def test_a_word_of_its_processors_or_gpus_name_names_a_host(name: str) -> None:
    assert is_named(HOST, name)


@pytest.mark.parametrize("name", ["Xe", "EPYC", "8480", "(R)", "NVIDIA H100"])
def test_a_part_of_a_word_does_not(name: str) -> None:
    assert not is_named(HOST, name)


def test_four_digits_of_a_fingerprint_name_a_host() -> None:
    """Three would match one host in four thousand by chance."""
    assert is_named(HOST, HOST.fingerprint[:4])
    assert is_named(HOST, HOST.fingerprint.upper())
    assert not is_named(HOST, HOST.fingerprint[:3])
    assert not is_named(replace(HOST, physical_cores=1), HOST.fingerprint)


@pytest.mark.parametrize(
    ("expectation", "claim"),
    [
        (
            Expectation("", frozenset(), metric="tpot", high=Bound(0.015, "15ms")),
            "tpot at most 15ms",
        ),
        (
            Expectation("", frozenset(), metric="mfu", low=Bound(0.1, "10%"), high=Bound(1, "1")),
            "mfu at least 10% and at most 1",
        ),
        (
            Expectation("", frozenset(), statuses=(Status.UNSUPPORTED, Status.SKIPPED)),
            "status unsupported or skipped",
        ),
        (Expectation("", frozenset(), required=True), "measured"),
    ],
)
def test_a_claim_is_put_as_the_spec_writes_it(expectation: Expectation, claim: str) -> None:
    assert expectation.claim == claim


def test_what_is_known_to_fail_or_cannot_be_told_is_no_failure() -> None:
    failures = {one for one in Verdict if one.fails}
    assert failures == {Verdict.MISSED, Verdict.XPASS, Verdict.MISSING}
