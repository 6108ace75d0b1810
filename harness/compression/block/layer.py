"""A block-sparse weight with equally many blocks in each row of blocks."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from harness.model.packed import PackedLinear, Settings, Tensors


class BlockSparseLinear(PackedLinear):
    """A weight in blocks of `rows` outputs by `columns` inputs, equally many per row of blocks.

    So one batched product computes them all, over the inputs that each row reads. Work and bytes
    are proportional to the density.
    """

    kind = "block"
    values: nn.Parameter
    places: torch.Tensor

    def __init__(
        self,
        values: torch.Tensor,  # [R, rows, k, columns]: k blocks in each of R rows of blocks
        places: torch.Tensor,  # [R, k] int32: the block of inputs that each block reads
        in_features: int,
        bias: torch.Tensor | None,  # [out]
    ) -> None:
        count, rows, kept, columns = values.shape
        own = None if bias is None else nn.Parameter(bias)
        super().__init__(in_features, count * rows, own)
        self.values = nn.Parameter(values)
        self.register_buffer("places", places)
        at = places.long().unsqueeze(-1) * columns + torch.arange(columns, device=places.device)
        self.register_buffer("_inputs", at.flatten(), persistent=False)  # [R k columns]
        self._row_inputs = kept * columns

    @classmethod
    def of(cls, layer: nn.Linear, rows: int, columns: int, density: float) -> Self:
        """The layer with the blocks of greatest norm in each row of blocks."""
        weight = layer.weight.detach()
        blocks = weight.unflatten(0, (-1, rows)).unflatten(2, (-1, columns))  # [R, r, C, c]
        norms = blocks.float().square().sum(dim=(1, 3))  # [R, C]
        kept = max(1, round(density * norms.shape[1]))
        places = norms.topk(kept, dim=1).indices.sort(dim=1).values  # [R, k]
        at = places[:, None, :, None].expand(-1, rows, -1, columns)
        values = blocks.gather(2, at).contiguous()
        bias = None if layer.bias is None else layer.bias.detach()
        return cls(values, places.int(), weight.shape[1], bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""
        count, rows = self.values.shape[:2]
        flat = x.reshape(-1, self.in_features)
        inputs: torch.Tensor = self._inputs  # type: ignore[assignment]
        read = flat[:, inputs].view(-1, count, self._row_inputs).transpose(0, 1)  # [R, n, k c]
        weight = self.values.flatten(2).transpose(1, 2)  # [R, k c, r]
        out = torch.bmm(read, weight).transpose(0, 1).reshape(-1, count * rows)
        if self.bias is not None:
            out = out + self.bias
        return out.view(*x.shape[:-1], self.out_features)

    def settings(self) -> Settings:
        """The number of inputs, which the blocks do not show."""
        return {"in_features": self.in_features}

    def weights(self) -> Tensors:
        """The kept blocks and their places."""
        return {"values": self.values.detach(), "places": self.places}

    def dense(self) -> torch.Tensor:
        """[out, in]."""
        count, rows, kept, columns = self.values.shape
        whole = self.values.new_zeros(count, rows, self.in_features // columns, columns)
        at = self.places.long()[:, None, :, None].expand(count, rows, kept, columns)
        return whole.scatter(2, at, self.values.detach()).flatten(2).flatten(0, 1).float()

    def multiplications(self) -> int:
        """One per kept weight."""
        return self.values.numel()
