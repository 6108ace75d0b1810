"""A tree over the past: segments of 1, 2, 4, ... tokens, composed in pairs.

After n tokens the past consists of the segments given by n's binary digits, the largest first, as
in a Fenwick tree: 6 tokens are [0, 4) and [4, 6). A token sees their composition from left to
right. Segments and compositions are computed level by level, each level in one call over all tokens
(Blelloch 1990, "Prefix sums and their applications").
"""

from __future__ import annotations

import torch
from torch import nn

from harness.model.mixer import LayerState, TokenMixer
from harness.model.shape import Shape


class Forest(LayerState):
    """The decode state. Per level a node [B, 2, D] (hidden state and cell): [levels, B, 2, D].

    `nodes` holds the segment of 2^level tokens, if the number of tokens has that binary digit.
    `prefixes` holds the composition of all segments up to it.
    """

    def __init__(self, nodes: torch.Tensor, prefixes: torch.Tensor) -> None:
        self.nodes, self.prefixes = nodes, prefixes

    def before(self, first: int, level: int) -> torch.Tensor:
        """[B, 1, 2, D]: a copy of the composition of all before the node `first` of this level."""
        lowest = (first & -first).bit_length() - 1
        return self.prefixes[level + lowest].unsqueeze(1).clone()

    def snapshot(self, position: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of nodes and prefixes."""
        return self.nodes.clone(), self.prefixes.clone()

    def restore(self, snapshot: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Copy nodes and prefixes back."""
        self.nodes.copy_(snapshot[0])
        self.prefixes.copy_(snapshot[1])


class TreeMixer(TokenMixer):
    """A binary Tree-LSTM (Tai et al. 2015, arXiv 1503.00075, section 3.2) over a Forest."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = self._width = shape.d_model
        self.leaf = nn.Linear(width, 3 * width)  # input and output gates, content
        self.pair = nn.Linear(2 * width, 5 * width)  # the same, with a forget gate per child
        self.out = nn.Linear(width, width)

    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> Forest:
        """No segments yet; one level per binary digit of `capacity`."""
        size = (2, capacity.bit_length(), batch, 2, self._width)
        nodes, prefixes = torch.zeros(size, device=device, dtype=dtype)
        return Forest(nodes, prefixes)

    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]."""
        assert state is None or isinstance(state, Forest)
        prefixes = self._prefixes(self._leaves(x), 0, past, state)  # [B, T, 2, D]
        out: torch.Tensor = self.out(prefixes[:, :, 0])
        return out

    @property
    def residual_projection(self) -> nn.Linear:
        """The output projection."""
        return self.out

    def _leaves(self, x: torch.Tensor) -> torch.Tensor:
        """[B, T, D] -> [B, T, 2, D]: segments of one token each."""
        into, out, content = self.leaf(x).chunk(3, dim=-1)
        return _node(into.sigmoid() * content.tanh(), out)

    def _compose(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Two of [B, n, 2, D] -> [B, n, 2, D]."""
        gates = self.pair(torch.cat((left[:, :, 0], right[:, :, 0]), dim=-1))
        into, of_left, of_right, out, content = gates.chunk(5, dim=-1)
        kept = of_left.sigmoid() * left[:, :, 1] + of_right.sigmoid() * right[:, :, 1]
        return _node(into.sigmoid() * content.tanh() + kept, out)

    def _prefixes(
        self, nodes: torch.Tensor, level: int, past: int, forest: Forest | None
    ) -> torch.Tensor:
        """For each new node of this level, the composition of all nodes up to it: [B, n, 2, D].

        The level above gives the compositions that end with a pair. Each other composition joins
        the previous composition and its own node.
        """
        first, count = past >> level, nodes.shape[1]
        unpaired = first % 2  # 1 if the first new node completes a pair
        row = nodes
        seen = nodes[:, :0]
        if forest is not None and unpaired:
            row = torch.cat((forest.nodes[level].unsqueeze(1), nodes), dim=1)
        elif forest is not None and first:
            seen = forest.before(first, level)
        paired = self._pairs(row, level, past, forest)
        single = nodes[:, unpaired::2]
        seen = torch.cat((seen, paired), dim=1)
        begin = single[:, : 1 if first == 0 else 0]  # nothing comes before the very first
        rest = single[:, begin.shape[1] :]
        if rest.shape[1]:
            rest = self._compose(seen[:, : rest.shape[1]], rest)
        prefixes = torch.empty_like(nodes)
        prefixes[:, unpaired::2] = torch.cat((begin, rest), dim=1)
        prefixes[:, 1 - unpaired :: 2] = paired
        if forest is not None and (first + count) % 2:
            forest.nodes[level] = nodes[:, -1]
            forest.prefixes[level] = prefixes[:, -1]
        return prefixes

    def _pairs(
        self, row: torch.Tensor, level: int, past: int, forest: Forest | None
    ) -> torch.Tensor:
        """The prefixes of the level above, whose nodes are the pairs of this row."""
        pairs = row.shape[1] // 2
        if pairs == 0:
            return row[:, :0]
        above = self._compose(row[:, 0 : 2 * pairs : 2], row[:, 1 : 2 * pairs : 2])
        return self._prefixes(above, level + 1, past, forest)


def _node(cell: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    return torch.stack((out.sigmoid() * cell.tanh(), cell), dim=2)
