"""Quality and size respond as theory says, on a model that knows something."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from harness.compression import Compression, registry
from harness.compression.channels import Channels
from harness.compression.heads import Heads
from harness.compression.layers import Layers
from harness.compression.magnitude import Magnitude
from harness.compression.two_four import TwoFour
from harness.compression.wanda import Wanda
from harness.model.artifact import save
from harness.model.build import build
from harness.model.cost import Work
from harness.model.measure import executed_flops, nonzero_count, parameter_count
from harness.model.shape import Shape
from harness.model.training import fit
from harness.model.transformer import Transformer, blocks_of
from harness.operators.sdpa import Sdpa
from harness.quality.evaluate import scores
from harness.quality.text import GeneratedText, HeldOut

SMALL = Shape(layers=4, d_model=64, heads=4, vocab=256, context=96)  # as in conftest.py

Compress = Callable[..., Transformer]
Loss = Callable[[Transformer], float]
NOTHING = 1e-4  # bits per byte


def size(model: Transformer, folder: Path) -> int:
    return save(model, folder / "model.safetensors")


def test_the_model_knows_enough_to_lose(taught: Transformer, documents: Sequence[HeldOut]) -> None:
    """It tells the language better than letter frequencies do, by far: else no loss would show."""
    told = scores(taught, taught, documents)
    assert fmean(one.bits / one.bytes for one in told) < 2.0
    assert all(one.divergence == 0 and one.agreed == one.tokens for one in told)


def test_int8_loses_less_than_int4(compress: Compress, loss: Loss) -> None:
    int8 = loss(compress("int8-weight-only"))
    int4 = loss(compress(("int4-weight-only", {"group": 64})))
    assert abs(int8) < int4 / 3
    assert int4 > NOTHING


def test_smaller_groups_lose_less(compress: Compress, loss: Loss) -> None:
    def told(group: int) -> float:
        return loss(compress(("int4-weight-only", {"group": group})))

    assert told(32) < told(64)


def test_int4_takes_half_the_bytes_of_int8(compress: Compress, tmp_path: Path) -> None:
    """Of the weights it packs; embeddings and scales stand beside both."""
    dense, int8, int4 = (
        size(compress(*steps), tmp_path)
        for steps in ((), ("int8-weight-only",), (("int4-weight-only", {"group": 64}),))
    )
    packed = 12 * SMALL.layers * SMALL.d_model**2
    head = SMALL.vocab * SMALL.d_model
    assert dense - int8 == pytest.approx(3 * packed - head, rel=0.1)
    # Half a byte is saved, a sixteenth spent on scales and offsets: 4 bytes a group of 64.
    scales = 4 * (SMALL.layers * (3 + 1 + 4 + 1) * SMALL.d_model + SMALL.vocab)  # of int8
    assert int8 - int4 == pytest.approx((packed + head) * (0.5 - 4 / 64) + scales, rel=0.02)


@pytest.mark.parametrize("name", ["magnitude", "wanda"])
def test_pruning_a_tenth_loses_less_than_half(compress: Compress, loss: Loss, name: str) -> None:
    tenth, half = (loss(compress((name, {"fraction": share}))) for share in (0.1, 0.5))
    assert tenth < half
    assert half > NOTHING


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_pruning_takes_out_just_the_share_asked(compress: Compress, scope: str) -> None:
    dense, pruned = compress(), compress(("magnitude", {"fraction": 0.5, "scope": scope}))
    weights = 12 * SMALL.layers * SMALL.d_model**2
    assert nonzero_count(dense) - nonzero_count(pruned) == pytest.approx(weights / 2, abs=8)
    assert parameter_count(pruned) == parameter_count(dense)


def test_a_pruned_file_keeps_no_zeros(compress: Compress, tmp_path: Path) -> None:
    """Half the weights go; a bit for each tells which."""
    dense, pruned = (
        size(compress(*steps), tmp_path) for steps in ((), (("magnitude", {"fraction": 0.5}),))
    )
    weights = 12 * SMALL.layers * SMALL.d_model**2
    assert dense - pruned == pytest.approx(weights * (4 / 2 - 1 / 8), rel=0.05)


def test_two_of_four_leaves_two_of_each_four(compress: Compress) -> None:
    for block in blocks_of(compress("2:4")):
        for layer in (block.up, block.down):
            assert ((layer.weight.unflatten(1, (-1, 4)) != 0).sum(-1) == 2).all()


def test_two_of_four_loses_more_than_free_pruning_of_as_many(
    compress: Compress, loss: Loss
) -> None:
    """It may choose less freely."""
    assert loss(compress("2:4")) > loss(compress(("magnitude", {"fraction": 0.5})))


@pytest.mark.parametrize(("name", "share"), [("heads", 0.5), ("channels", 0.5), ("layers", 0.5)])
def test_structured_pruning_shrinks_work_file_and_model(
    compress: Compress, tmp_path: Path, name: str, share: float
) -> None:
    dense, pruned = compress(), compress((name, {"fraction": share}))
    work = [Work(1, 64)]
    assert executed_flops(pruned, Sdpa(), work) < 0.9 * executed_flops(dense, Sdpa(), work)
    assert parameter_count(pruned) < 0.9 * parameter_count(dense)
    assert size(pruned, tmp_path) < 0.9 * size(dense, tmp_path)


@pytest.mark.parametrize("name", ["heads", "channels", "layers"])
def test_structured_pruning_of_nothing_changes_nothing(
    compress: Compress, loss: Loss, name: str
) -> None:
    assert loss(compress((name, {"fraction": 0.0}))) == pytest.approx(0, abs=NOTHING)


def test_calibrated_pruning_takes_what_gives_least(compress: Compress, loss: Loss) -> None:
    """A head that was silenced before is the first to go, and nothing is lost."""
    model = compress()
    silent = {0: 2, 1: 0, 2: 1, 3: 3}
    for layer, head in silent.items():
        block, width = blocks_of(model)[layer], SMALL.d_head
        with torch.no_grad():
            block.mixer.residual_projection.weight[:, head * width : (head + 1) * width] = 0
    before = loss(model)
    pruned = Heads(Heads.Options(fraction=0.25)).apply(model, GeneratedText())
    assert loss(pruned) == pytest.approx(before, abs=NOTHING)


def test_channels_that_give_nothing_are_the_first_to_go(compress: Compress, loss: Loss) -> None:
    model = compress()
    half = torch.arange(SMALL.width) % 2 == 0
    for block in blocks_of(model):
        with torch.no_grad():
            block.down.weight[:, half] = 0
    before = loss(model)
    pruned = Channels(Channels.Options(fraction=0.5)).apply(model, GeneratedText())
    assert loss(pruned) == pytest.approx(before, abs=NOTHING)


def test_a_layer_that_changes_nothing_is_the_first_to_go(compress: Compress, loss: Loss) -> None:
    model = compress()
    with torch.no_grad():
        for projection in blocks_of(model)[2].residual_projections:
            projection.weight.zero_()
            projection.bias.zero_()
    before = loss(model)
    pruned = Layers(Layers.Options(fraction=0.25)).apply(model, GeneratedText())
    assert [block.layer for block in blocks_of(pruned)] == [0, 1, 3]
    assert loss(pruned) == pytest.approx(before, abs=NOTHING)


def test_static_ranges_are_those_of_the_text(compress: Compress, loss: Loss) -> None:
    """Nothing is clipped: however large the inputs, as little is lost.

    How little depends on the processor: without VNNI activations take 7 bits.
    """
    plain = loss(compress("int8-static"))
    assert abs(plain) < 0.005
    wide = compress()
    for block in blocks_of(wide):
        with torch.no_grad():  # the same function of inputs fifty times as large
            block.ln_2.weight.mul_(50)
            block.ln_2.bias.mul_(50)
            block.up.weight.div_(50)
    lost = loss(registry["int8-static"]().apply(wide, GeneratedText()))
    assert lost == pytest.approx(plain, abs=0.002)


@pytest.mark.parametrize(
    "by_inputs", [TwoFour(TwoFour.Options(score="wanda")), Wanda()], ids=["2:4", "wanda"]
)
@pytest.mark.parametrize("by_weights", [TwoFour(), Magnitude()], ids=["2:4", "magnitude"])
def test_wanda_sees_how_large_inputs_are_and_magnitude_does_not(
    compress: Compress, by_inputs: Compression, by_weights: Compression
) -> None:
    """The same layer, an input ten times as large and its weights a tenth: the same function."""

    def kept(entry: Compression, scale: float) -> torch.Tensor:
        model = compress()
        block = blocks_of(model)[1]
        with torch.no_grad():
            block.ln_2.weight[::2] *= scale
            block.ln_2.bias[::2] *= scale
            block.up.weight[:, ::2] /= scale
        entry.apply(model, GeneratedText())  # half of the weights
        return block.up.weight != 0

    assert (kept(by_inputs, 1) == kept(by_inputs, 10)).float().mean() > 0.99
    assert (kept(by_weights, 1) == kept(by_weights, 10)).float().mean() < 0.8


def test_svd_at_full_rank_loses_nothing(compress: Compress, loss: Loss) -> None:
    whole = compress(("svd", {"rank": 1.0, "whole": True}))
    assert loss(whole) == pytest.approx(0, abs=NOTHING)
    assert parameter_count(whole) > parameter_count(compress())


def test_svd_loses_more_the_less_rank_it_keeps(compress: Compress, loss: Loss) -> None:
    half, quarter = (loss(compress(("svd", {"rank": rank}))) for rank in (0.45, 0.2))
    assert NOTHING < half < quarter


def test_sharing_layers_halves_the_blocks_and_none_of_the_work(
    compress: Compress, tmp_path: Path
) -> None:
    dense, shared = compress(), compress(("share-layers", {"group": 2}))
    body = sum(one.numel() for one in dense.blocks.parameters())
    assert parameter_count(dense) - parameter_count(shared) == body // 2
    assert size(dense, tmp_path) - size(shared, tmp_path) == pytest.approx(2 * body, rel=0.02)
    assert executed_flops(shared, Sdpa(), [Work(1, 8)]) == executed_flops(
        dense, Sdpa(), [Work(1, 8)]
    )


@pytest.mark.parametrize("density", [0.25, 0.5])
def test_blocks_do_and_keep_their_share(compress: Compress, tmp_path: Path, density: float) -> None:
    options: dict[str, Any] = {"density": density, "rows": 16, "columns": 16}
    dense, sparse = compress(), compress(("block", options))
    weights = 12 * SMALL.layers * SMALL.d_model**2
    assert parameter_count(dense) - parameter_count(sparse) == weights * (1 - density)
    saved = executed_flops(dense, Sdpa(), [Work(1, 8)]) - executed_flops(
        sparse, Sdpa(), [Work(1, 8)]
    )
    assert saved == 2 * 8 * weights * (1 - density)


def test_all_blocks_are_the_whole_layer(compress: Compress, loss: Loss) -> None:
    whole = compress(("block", {"density": 1.0, "rows": 16, "columns": 16}))
    assert loss(whole) == pytest.approx(0, abs=NOTHING)


def test_int8_states_take_a_quarter_and_lose_little(compress: Compress, loss: Loss) -> None:
    dense, small = compress(), compress("kv-int8")
    assert 0 < abs(loss(small)) < 0.01
    ours, theirs = (model.new_state(1, 96).bytes() for model in (small, dense))
    # A scale of four bytes stands beside each vector of 16 numbers.
    assert ours / theirs == pytest.approx((16 + 4) / (16 * 4))


def test_distillation_beats_a_student_from_scratch(
    compress: Compress, loss: Loss, text: GeneratedText
) -> None:
    """With the same dimensions, steps, batches and documents."""
    taught = compress(
        ("distill", {"layers": 2, "steps": 30, "batch": 16, "rate": 1e-2, "length": 95})
    )
    alone = build(SMALL.model_copy(update={"layers": 2}), Sdpa().mixer, device=torch.device("cpu"))
    tokens = text.sequences("distillation", 30 * 16, 96)

    def loss_of(step: int) -> torch.Tensor:
        some = tokens[step * 16 : (step + 1) * 16]
        return cross_entropy(alone(some[:, :-1]).flatten(0, 1), some[:, 1:].flatten())

    fit(alone, 30, 1e-2, loss_of)
    assert loss(taught) < loss(alone)


@pytest.mark.parametrize(
    "pruning",
    [
        ("share-layers", {}),
        ("svd", {"rank": 0.2}),
        ("2:4", {}),
        ("block", {"density": 0.5, "rows": 16, "columns": 16}),
        ("heads", {"fraction": 0.5}),
    ],
    ids=str,
)
def test_recovery_gives_quality_back_and_nothing_else(
    compress: Compress, loss: Loss, pruning: tuple[str, dict[str, Any]]
) -> None:
    """What was taken out stays out."""
    pruned = compress(pruning)
    healed = compress(pruning, ("recover", {"steps": 20, "length": 95}))
    assert loss(healed) < 0.7 * loss(pruned)
    assert parameter_count(healed) == parameter_count(pruned)
    assert nonzero_count(healed) <= nonzero_count(pruned) + 0.01 * parameter_count(pruned)


def test_soft_targets_teach_more_than_hard_ones(compress: Compress, loss: Loss) -> None:
    """The same student from the same start, none of it the teacher's, on the same documents."""
    student = {"layers": 2, "d_model": 32, "heads": 2, "steps": 30, "rate": 1e-2, "length": 95}
    soft, hard = (loss(compress(("distill", {**student, "soft": share}))) for share in (0.9, 0.0))
    assert soft < hard


def test_a_student_of_other_dimensions_has_them(compress: Compress) -> None:
    student = compress(("distill", {"layers": 1, "d_model": 32, "heads": 2, "steps": 2}))
    assert (student.shape.layers, student.shape.d_model, student.shape.heads) == (1, 32, 2)
    assert student.shape.d_ff == 0
    assert len(student.blocks) == 1


@pytest.mark.parametrize(
    "parts",
    [
        ("heads", "int8-weight-only"),
        ("2:4", "int8-weight-only"),
        (("svd", {"rank": 0.25}), "int8-dynamic"),
        ("channels", "int8-static"),
    ],
    ids=str,
)
def test_a_composition_is_smaller_than_its_parts(
    compress: Compress, tmp_path: Path, parts: tuple[Any, ...]
) -> None:
    first, second = parts
    both = size(compress(first, second), tmp_path)
    assert both < size(compress(first), tmp_path)
    assert both < size(compress(second), tmp_path)


def test_a_compositions_file_is_what_its_parts_imply(compress: Compress, tmp_path: Path) -> None:
    """2:4 halves the int8 numbers, and spends a bit on each to tell which are there."""
    int8, both = (
        size(compress(*steps), tmp_path)
        for steps in (("int8-weight-only",), ("2:4", "int8-weight-only"))
    )
    numbers = 12 * SMALL.layers * SMALL.d_model**2
    assert int8 - both == pytest.approx(numbers * (1 - 1 / 2 - 1 / 8), rel=0.03)


def test_zeros_stay_zeros_in_int8(compress: Compress) -> None:
    pruned, both = compress("2:4"), compress("2:4", "int8-weight-only")
    weights = 12 * SMALL.layers * SMALL.d_model**2
    head = SMALL.vocab * SMALL.d_model  # which is kept twice now, as embedding and in int8
    assert nonzero_count(both) <= nonzero_count(pruned) + head
    assert nonzero_count(both) > nonzero_count(pruned) + 0.8 * head - 0.05 * weights


def test_the_order_given_is_the_order_done(compress: Compress) -> None:
    """A student first, then its weights: not the teacher's."""
    model = compress(("distill", {"layers": 1, "steps": 2}), "int8-weight-only")
    assert len(model.blocks) == 1
    assert copy.deepcopy(model.shape).layers == 1
