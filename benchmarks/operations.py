"""The few array operations that the formulas use, under one name each, for torch and for JAX."""

from types import SimpleNamespace


def torch_operations() -> SimpleNamespace:
    """What a torch user would call."""
    import torch
    from torch.nn import functional

    return SimpleNamespace(
        abs=torch.abs, exp=torch.exp, log=torch.log, log1p=torch.log1p, sqrt=torch.sqrt, where=torch.where,
        relu=functional.relu, sigmoid=torch.sigmoid, log_sigmoid=functional.logsigmoid,
        softplus=functional.softplus, mean=torch.mean, sum=torch.sum, maximum=torch.maximum,
        clip=torch.clamp,
        softmax=lambda x: functional.softmax(x, -1),
        log_softmax=lambda x: functional.log_softmax(x, -1),
        row_sum=lambda x, keep=False: x.sum(-1, keepdim=keep),
        row_max=lambda x: x.amax(-1),
        pick=lambda x, labels: x.gather(-1, labels[:, None]),
    )  # fmt: skip


def jax_operations() -> SimpleNamespace:
    """What a JAX user would call."""
    import jax
    from jax import numpy

    return SimpleNamespace(
        abs=numpy.abs, exp=numpy.exp, log=numpy.log, log1p=numpy.log1p, sqrt=numpy.sqrt, where=numpy.where,
        relu=jax.nn.relu, sigmoid=jax.nn.sigmoid, log_sigmoid=jax.nn.log_sigmoid,
        softplus=jax.nn.softplus, mean=numpy.mean, sum=numpy.sum, maximum=numpy.maximum,
        clip=numpy.clip,
        softmax=jax.nn.softmax,
        log_softmax=jax.nn.log_softmax,
        row_sum=lambda x, keep=False: numpy.sum(x, -1, keepdims=keep),
        row_max=lambda x: numpy.max(x, -1),
        pick=lambda x, labels: numpy.take_along_axis(x, labels[:, None], -1),
    )  # fmt: skip
