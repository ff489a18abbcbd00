"""Bad input: an error that names the argument, the same by kernels and by array code."""

import numpy as np
import pytest
from torch_inputs import door, executed, make, tensors, torch

from lossgen.errors import DeviceError, DtypeError, LabelError, ParameterError, ShapeError, WeightError

EXECUTIONS = ("kernels", "ops")
y, p = tensors("flat", (10, 4), torch.float32)
labels = torch.arange(10) % 4

SHAPES = {
    "too few rows": (y[:9], p),
    "other columns": (y[:, :3], p),
    "a rank that would broadcast": (y[:, :1], p),
    "a missing axis": (torch.zeros(10), p),
    "an extra axis": (y[None], p),
    "(10,) beside (10, 2)": (torch.zeros(10), p[:, :2]),
}
WEIGHTS = {
    "rank + 2": torch.ones(10, 1, 1),
    "another length": torch.ones(9),
    "a matrix": torch.ones(10, 4),
    "a trailing matrix": torch.ones(4, 10),
}


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("case", SHAPES)
def test_shapes_that_do_not_fit(case, execution):
    for reduction in ("mean", "none"):
        with executed(execution), pytest.raises(ShapeError, match=r"y_true.*y_pred"):
            make("flat", reduction=reduction)(*SHAPES[case])


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("case", WEIGHTS)
@pytest.mark.parametrize("name", ["sample_weight", "mask"])
def test_weights_that_do_not_fit(case, name, execution):
    weight = WEIGHTS[case] if name == "sample_weight" else WEIGHTS[case] > 0
    for reduction in ("mean", "none"):
        loss = make("flat", reduction=reduction)
        with executed(execution), pytest.raises(WeightError, match=f"`{name}`"):
            loss(y, p, **{name: weight})
        with executed(execution), pytest.raises(WeightError, match=f"`{name}`"):
            loss.sum_and_weight(y, p, **{name: weight})


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("wrong", [4, -1, 2**40, 1000])
def test_labels_that_name_no_column(wrong, execution):
    bad = labels.clone()
    bad[6] = wrong
    for reduction in ("mean", "none"):
        loss = make("labels", reduction=reduction)
        with executed(execution), pytest.raises(LabelError, match=rf"label {wrong} at position \(6,\)"):
            loss(bad, p)
        mask = torch.arange(10) != 6
        with executed(execution):
            assert loss(bad, p, mask=mask).isfinite().all()  # is not looked at
            assert make("labels", reduction=reduction, ignore_class=wrong)(bad, p).isfinite().all()


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_masked_labels_of_a_type_that_has_no_label_to_ignore(execution):
    bad, mask = torch.where(torch.arange(10) == 6, 255, labels).to(torch.uint8), torch.arange(10) != 6
    loss = make("labels", reduction="none", ignore_class=-1)
    with executed(execution):
        assert torch.allclose(loss(bad, p, mask=mask), loss(labels, p) * mask)


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_labels_in_other_dtypes(execution):
    right = make("labels")(labels, p)
    with executed(execution):
        for dtype in (torch.int8, torch.uint8, torch.int32, torch.float32, torch.float64, torch.bfloat16):
            assert make("labels")(labels.to(dtype), p).item() == pytest.approx(right.item(), rel=1e-6)
        with pytest.raises(LabelError, match="whole numbers"):
            make("labels")(labels + 0.5, p)
        with pytest.raises(ShapeError, match="one label a row"):
            make("labels")(torch.zeros(10, 4, dtype=torch.int64), p)


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("dtype, most", [(torch.bfloat16, 256), (torch.float16, 2048)])
def test_labels_that_their_dtype_rounds_are_refused(dtype, most, execution):
    wide = torch.zeros(2, most + 1)
    with executed(execution), pytest.raises(LabelError, match=f"rounds whole numbers above {most}"):
        make("labels")(torch.tensor([0, most], dtype=dtype), wide)


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_another_device(execution):
    with executed(execution):
        for name in ("y_true", "sample_weight", "mask"):
            arguments = {"y_true": y, "y_pred": p, name: torch.ones(10, device="meta")}
            with pytest.raises(DeviceError, match=f"`{name}` on meta|{name} on meta and y_pred on cpu"):
                make("flat")(**arguments)


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_what_is_no_tensor_of_real_numbers(execution):
    with executed(execution):
        for name, wrong in {
            "y_true": np.zeros((10, 4)), "y_pred": [[1.0]], "sample_weight": np.ones(10), "mask": "x",
        }.items():  # fmt: skip
            with pytest.raises((DtypeError, TypeError), match=name if name != "mask" else None):
                make("flat")(**{"y_true": y, "y_pred": p, name: wrong})
        for name in ("y_true", "y_pred"):
            arguments = {"y_true": y, "y_pred": p}
            with pytest.raises(DtypeError, match=name):
                make("flat")(**{**arguments, name: arguments[name].detach().to(torch.complex64)})
            with pytest.raises(DtypeError, match=name):
                make("flat")(**{**arguments, name: arguments[name].detach().to_sparse()})


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_a_mask_with_nan_is_refused(execution):
    for reduction in ("mean", "none"):
        with executed(execution), pytest.raises(WeightError, match="NaN"):
            make("flat", reduction=reduction)(y, p, mask=torch.tensor([1.0] * 9 + [torch.nan]))
    numbers = torch.tensor([1.0] * 9 + [0.0])
    with executed(execution):
        assert make("flat")(y, p, mask=numbers) == make("flat")(y, p, mask=numbers > 0)


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_nan_predictions_show_and_masked_ones_do_not(execution):
    broken = p.detach().clone()
    broken[3] = torch.nan
    broken.requires_grad_()
    mask = torch.arange(10) != 3
    with executed(execution):
        assert make("flat")(y, broken).isnan()
        for reduction in ("mean", "none", "mean_with_sample_weight"):
            value = make("flat", reduction=reduction)(y, broken, mask=mask).sum()
            (slope,) = torch.autograd.grad(value, broken)
            assert value.isfinite() and slope.isfinite().all() and not slope[3].any()


def test_arguments_of_constructors():
    with pytest.raises(ParameterError, match="delta"):
        door.Huber(delta=-1.0)
    with pytest.raises(ParameterError, match="delta"):
        door.Huber(delta=torch.nn.Parameter(torch.tensor(-1.0)))
    with pytest.raises(DtypeError, match="float16"):
        door.Huber(dtype=torch.float16)
    with pytest.raises(ParameterError, match="delta"):
        door.huber(y, p, -1.0)
    with pytest.raises(TypeError, match="gamma"):
        door.huber(y, p, gamma=2.0)
    with pytest.raises(TypeError, match="gamma"):
        door.huber(y, p, gamma=torch.tensor(2.0))


def test_an_axis_that_does_not_exist():
    for execution in EXECUTIONS:
        with executed(execution), pytest.raises(ShapeError, match="axis"):
            door.CategoricalCrossentropy(axis=5)(y.abs(), p)
