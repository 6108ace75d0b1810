"""What every backend promises; a new entry is tested by being registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from harness.backends import Backend
from harness.contract.plugin import choice_of, example_of
from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.model.build import build
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer
from harness.operators.sdpa import Sdpa
from harness.session import Opening, Session
from harness.session.eager import TorchSession

NANO = SIZES["nano"].shape
CPU = torch.device("cpu")
MakeCell = Callable[..., Cell]


def model() -> Transformer:
    return build(NANO, Sdpa().mixer, device=CPU, seed=1)


@pytest.fixture(scope="module")
def tokens() -> torch.Tensor:
    return torch.randint(NANO.vocab, (2, 24), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def cell(entry: type[Backend], make_cell: MakeCell) -> Cell:
    choice = choice_of(example_of(entry))
    return make_cell(
        backend=choice, scenario=Choice("decode"), workload=(("batch", 2), ("prompt", 20))
    )


@pytest.fixture
def session(entry: type[Backend], cell: Cell, host: Host, tmp_path: object) -> Iterator[Session]:
    """Nano, opened for two sequences."""
    backend = example_of(entry)
    if reason := backend.unsupported(cell, host):
        pytest.skip(reason)
    opened = backend.open(Opening(cell, NANO, CPU, torch.float32, model, cache=str(tmp_path)))
    yield opened
    opened.close()


@pytest.fixture
def eager() -> TorchSession:
    core = model()
    return TorchSession(core, core, CPU, 2)


def near(found: torch.Tensor | None, expected: torch.Tensor | None) -> None:
    """Asserts equality in fp32, up to the order of sums."""
    if found is not None:  # some runtimes give no logits
        assert expected is not None
        assert (found.shape, found.dtype) == (expected.shape, torch.float32)
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_a_session_gives_the_models_logits(
    session: Session, eager: TorchSession, tokens: torch.Tensor
) -> None:
    """At every position, for any number of sequences; and it decodes as the model does.

    This is one test because opening a session may take long.
    """
    with session.running(trains=False), eager.running(trains=False):
        for some in (tokens, tokens[:1, :16]):
            logits, again = session.logits(some), session.logits(some)
            near(logits, eager.logits(some))
            assert logits is None or again is None or torch.equal(logits, again)
        for one in (session, eager):
            one.start(24, further=4)
            one.prefill(one.place(tokens[:, :20]))
        near(session.last_output(), eager.last_output())
        snapshots = session.snapshot(), eager.snapshot()
        for _ in range(2):  # twice from the same state
            session.restore(snapshots[0])
            eager.restore(snapshots[1])
            for position in range(20, 24):
                step = tokens[:, [position]]
                chosen = session.decode(session.place(step)), eager.decode(eager.place(step))
                near(session.last_output(), eager.last_output())
                assert torch.equal(session.ids(chosen[0]), eager.ids(chosen[1]))
        session.reset()
        eager.reset()
        session.prefill(session.place(tokens[:, :8]))
        eager.prefill(eager.place(tokens[:, :8]))
        near(session.last_output(), eager.last_output())


def test_it_trains_like_eager_or_is_unsupported(
    entry: type[Backend],
    session: Session,
    eager: TorchSession,
    tokens: torch.Tensor,
    cell: Cell,
    host: Host,
    make_cell: MakeCell,
) -> None:
    """Three steps on the same batch give the same losses."""
    trains = make_cell(
        backend=cell.backend, scenario=Choice("train"), workload=(("batch", 2), ("prompt", 23))
    )
    if example_of(entry).unsupported(trains, host):
        pytest.skip("training is unsupported")
    losses = []
    for one in (session, eager):
        step = one.training_step(tokens, rate=1e-2)
        losses.append([float(loss) for loss in (step(), step(), step()) if loss is not None])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert losses[0][2] < losses[0][0]
