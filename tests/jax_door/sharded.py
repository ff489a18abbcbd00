"""Losses on two devices: a program for a process that has two, see `test_jax_devices.py`."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import lossgen
import lossgen.jax as door


def main() -> None:
    assert jax.device_count() == 2
    mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    rng = np.random.default_rng(0)
    p = rng.standard_normal((8, 3)).astype(np.float32)
    cases = {
        "labels": (door.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
                   np.array([0, -1, 2, 1, -1, -1, -1, 0], np.int32)),
        "numbers": (door.LogCosh(), rng.standard_normal((8, 3)).astype(np.float32)),
        "rows": (door.CategoricalCrossentropy(from_logits=True), rng.random((8, 3)).astype(np.float32)),
    }  # fmt: skip
    weight = np.linspace(0, 2, 8).astype(np.float32)
    for name, (loss, y) in cases.items():
        for its_weight in (None, weight):
            check(mesh, name, loss, y, p, its_weight)
    check_auto(mesh, cases["numbers"][0], cases["numbers"][1], p)
    check_explicit(cases["rows"][0], cases["rows"][1], p)
    print("fine")


def check(mesh, name, loss, y, p, weight) -> None:
    """Value, gradient and Hessian times vector of the whole batch, from shares of it."""
    arrays = [y, p] if weight is None else [y, p, weight]

    @partial(jax.shard_map, mesh=mesh, in_specs=PartitionSpec("data"), out_specs=PartitionSpec())
    def mean(*share):
        total, count = loss.sum_and_weight(*share)
        return jax.lax.psum(total, "data") / jax.lax.psum(count, "data")

    def product(function):
        def inner(*arrays):
            gradient = jax.grad(function, argnums=1)
            y, p, *weight = arrays
            return jax.jvp(lambda p: gradient(y, p, *weight), (p,), (jnp.sin(p),))[1]

        return inner

    for transform in (lambda f: f, lambda f: jax.grad(f, argnums=1), product):
        found, wanted = jax.jit(transform(mean))(*arrays), transform(loss)(*map(jnp.asarray, arrays))
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7, err_msg=name)
    text = jax.jit(jax.grad(mean, argnums=1)).lower(*arrays).compile().as_text()
    assert "all-gather" not in text, name


def check_explicit(loss, y, p) -> None:
    """Under a mesh whose axes are part of the types of arrays: array code, for kernels have no such types."""
    mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Explicit,))
    sharding = NamedSharding(mesh, PartitionSpec("data"))
    wanted = jax.value_and_grad(loss, argnums=1)(jnp.asarray(y), jnp.asarray(p))
    with jax.set_mesh(mesh):
        arrays = [jax.device_put(each, sharding) for each in (y, p)]
        found = jax.jit(jax.value_and_grad(loss, argnums=1))(*arrays)
        lossgen.set_execution("kernels")
        try:
            jax.jit(loss)(*arrays)
        except lossgen.errors.ExecutionError as error:
            assert "shard_map" in str(error)
        else:
            raise AssertionError("kernels ran on arrays of two devices")
        lossgen.set_execution("auto")
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def check_auto(mesh, loss, y, p) -> None:
    """Sharded arrays without `shard_map`: right, though XLA gathers them first."""
    sharding = NamedSharding(mesh, PartitionSpec("data"))
    y, p = (jax.device_put(each, sharding) for each in (y, p))
    value, gradient = jax.jit(jax.value_and_grad(loss, argnums=1))(y, p)
    wanted = jax.value_and_grad(loss, argnums=1)(np.asarray(y), np.asarray(p))
    np.testing.assert_allclose(value, wanted[0], rtol=1e-6)
    np.testing.assert_allclose(gradient, wanted[1], rtol=1e-6)


if __name__ == "__main__":
    main()
