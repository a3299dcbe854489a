"""The branch-split probe on a block small enough for paper, and against autograd in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.connections.add import Add
from skiprun.connections.concat import Concat
from skiprun.connections.fade import make_fadable, set_skip_strength
from skiprun.connections.highway import Highway
from skiprun.connections.none import NoConnection
from skiprun.connections.rezero import ReZero
from skiprun.models import build_model
from skiprun.models.families.highway import HighwayLayer
from skiprun.models.layers.block import BasicBlock, Block, connection_maker
from skiprun.models.layers.dense import DenseDesign, DenseLayer
from skiprun.models.layers.norm_act import NORMS
from skiprun.models.layers.preact_block import PreactBlock, PreactDesign
from skiprun.models.layers.shortcut import ShortcutKind
from skiprun.probes.branch_split import BranchSplit
from skiprun.studies.cuts import branch_gradient, replace_connections, skip_gradient
from tests.support.scalar_block import Scalar


def read(
    model: nn.Module, x: Tensor, backward: Callable[[Tensor], object] = lambda output: output.sum().backward()
) -> dict[str, float]:
    probe = BranchSplit()
    with probe.watch(model):
        backward(model(x))
    return dict(zip(probe.tags(model), probe.read().tolist(), strict=True))


def test_the_gradient_splits_into_one_and_the_weight() -> None:
    model = nn.Sequential(Scalar(Add, -3.0), Scalar(Add, 0.5))
    values = read(model, torch.full((1, 1, 1, 1), 2.0).requires_grad_())
    assert values["skip_grad/02.1"] == 1.0 and values["branch_grad/02.1"] == 0.5
    assert values["skip_grad/01.0"] == 1.5 and values["branch_grad/01.0"] == 4.5
    assert values["branch_ratio/01.0"] == 3.0
    assert values["branch_cos/01.0"] == -1.0 and values["branch_cos/02.1"] == 1.0


def test_gates_and_learned_scales_are_read_at_their_site() -> None:
    gate = Scalar(Highway, 1.0)
    nn.init.zeros_(gate.get_parameter("connection.gate.weight"))
    nn.init.constant_(gate.get_parameter("connection.gate.bias"), 1.5)
    scaled = Scalar(ReZero, 1.0)
    nn.init.constant_(scaled.get_parameter("connection.alpha"), -0.25)
    values = read(nn.Sequential(gate, scaled), torch.ones(2, 1, 1, 1).requires_grad_())
    assert values["gate/01.0"] == pytest.approx(torch.tensor(1.5).sigmoid().item())
    assert values["alpha/02.1"] == -0.25
    assert values["branch_grad/02.1"] == pytest.approx(0.25 * 2**0.5)


@pytest.mark.parametrize("connection", [Add, Highway, NoConnection])
@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_both_sides_of_a_strided_block_agree_with_autograd(
    connection: type[Connection], shortcut: ShortcutKind
) -> None:
    block = BasicBlock(4, 8, 2, make_connection=connection_maker(connection, 1), shortcut=shortcut).double()
    x = torch.randn(3, 4, 6, 6, dtype=torch.float64, requires_grad=True)
    values = read(nn.Sequential(block), x, lambda output: output.square().sum().backward())
    alone = block.relu(block.connection(block.shortcut(x.detach()), block.branch(x)))
    branch = torch.autograd.grad(alone.square().sum(), x)[0]
    assert values["branch_grad/01.0"] == pytest.approx(branch.norm().item())
    assert values["skip_grad/01.0"] == pytest.approx((x.grad - branch).norm().item(), rel=1e-5, abs=1e-9)
    assert (values["skip_grad/01.0"] == 0) == (connection is NoConnection)


def test_micro_batches_count_as_one_batch() -> None:
    model = nn.Sequential(Scalar(Highway, 2.0))
    x = torch.randn(4, 1, 1, 1)
    whole = read(model, x.clone().requires_grad_())
    probe = BranchSplit()
    with probe.watch(model):
        for part in x.chunk(2):
            model(part.clone().requires_grad_()).sum().backward()
    parts = dict(zip(probe.tags(model), probe.read().tolist(), strict=True))
    assert parts == pytest.approx(whole)


@pytest.mark.parametrize(("stride", "norm"), [(1, "batch"), (2, "batch"), (1, "none")])
def test_a_preactivated_block_is_split_where_x_goes_two_ways(stride: int, norm: str) -> None:
    numbers = connection_maker(Add, 2)
    numbers(4, 4)
    block = PreactBlock(4, 4 * stride, stride, PreactDesign(numbers, "B", NORMS[norm], nn.ReLU)).double()
    x = torch.randn(3, 4, 6, 6, dtype=torch.float64, requires_grad=True)
    values = read(nn.Sequential(block), x, lambda output: output.square().sum().backward())
    start = x.detach().requires_grad_()
    ready = block.relu(block.bn1(start))
    meeting = ready if block.shared else start
    skip = block.shortcut(meeting).clone()
    output = block.connection(skip, block.branch(ready)).square().sum()
    through_skip = torch.autograd.grad(output, skip, retain_graph=True)[0]
    through_skip = torch.autograd.grad(skip, meeting, through_skip, retain_graph=True)[0]
    whole = torch.autograd.grad(output, meeting)[0]
    assert values["skip_grad/01.0"] == pytest.approx(through_skip.norm().item(), rel=1e-5)
    assert values["branch_grad/01.0"] == pytest.approx((whole - through_skip).norm().item(), rel=1e-5)


def dense_layer() -> Block:
    return DenseLayer(4, connection_maker(Concat, 1), DenseDesign(3, True, NORMS["batch"], nn.ReLU, 0.0))


def highway_layer() -> Block:
    return HighwayLayer(4, connection_maker(Highway, 1), NORMS["batch"], nn.ReLU)


@pytest.mark.parametrize("make", [dense_layer, highway_layer])
def test_blocks_that_hand_x_to_their_site_directly_are_split_too(make: Callable[[], Block]) -> None:
    block = make().double()
    x = torch.randn(3, 4, 6, 6, dtype=torch.float64, requires_grad=True)
    values = read(nn.Sequential(block), x, lambda output: output.square().sum().backward())
    for side, join in (("skip_grad", skip_gradient), ("branch_grad", branch_gradient)):
        with replace_connections({block.connection: join}):
            gradient = torch.autograd.grad(block(x).square().sum(), x)[0]
        assert values[f"{side}/01.0"] == pytest.approx(gradient.norm().item(), rel=1e-5)


def test_a_weakened_shortcut_carries_less_of_the_gradient() -> None:
    model = nn.Sequential(Scalar(Add, 0.5))
    make_fadable(model)
    set_skip_strength(model, 0.25)
    values = read(model, torch.ones(1, 1, 1, 1, requires_grad=True))
    assert values["skip_grad/01.0"] == 0.25 and values["branch_grad/01.0"] == 0.5


def test_a_u_net_is_split_where_its_two_paths_meet() -> None:
    model = build_model("unet", width=4, depth=2)
    values = read(model, torch.randn(2, 3, 8, 8), lambda output: output.sum().backward())
    measures = ("skip_grad", "branch_grad", "branch_ratio")
    assert set(values) == {
        f"{measure}/{site}" for measure in measures for site in ("01.decoder.0", "02.decoder.1")
    }
    assert all(value > 0 for value in values.values())
