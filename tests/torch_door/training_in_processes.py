"""Trains a small model alone, and in two processes with DDP or FSDP, and writes its weights to files.

    python training_in_processes.py FOLDER

The batch is ragged: the second process has fewer rows, and other weights. `naive` is DDP over the mean of
each process, which ends elsewhere.
"""

import os
import sys

import torch
from torch import distributed, multiprocessing, nn

import lossgen.torch as door

ROWS, CUT, STEPS = 24, 17, 5
TOGETHER = (("ddp", "mean"), ("ddp", "mean_with_sample_weight"), ("fsdp", "mean"), ("naive", "mean"))


def data():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, 6, generator=generator)
    y = torch.randint(0, 4, (ROWS,), generator=generator)
    weight = torch.rand(ROWS, generator=generator) + 0.25
    mask = torch.rand(ROWS, generator=generator) > 0.2
    return x, y, weight, mask


def train(kind: str, reduction: str, rank: int, folder: str) -> None:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 4))
    if kind in ("ddp", "naive"):
        model = nn.parallel.DistributedDataParallel(model)
    elif kind == "fsdp":
        from torch.distributed.fsdp import fully_shard

        mesh = distributed.device_mesh.init_device_mesh("cpu", (2,))
        fully_shard(model, mesh=mesh)
    x, y, weight, mask = data()
    if kind != "alone":
        share = slice(0, CUT) if rank == 0 else slice(CUT, None)
        x, y, weight, mask = x[share], y[share], weight[share], mask[share]
    loss = door.SparseCategoricalCrossentropy(from_logits=True, ignore_class=3, reduction=reduction)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(STEPS):
        optimizer.zero_grad()
        if kind in ("alone", "naive"):
            value = loss(y, model(x), weight, mask=mask)
        else:
            value = door.global_mean(*loss.sum_and_weight(y, model(x), weight, mask=mask))
        value.backward()
        optimizer.step()
    if kind != "alone":
        distributed.all_reduce(value := value.detach().clone())
        value = value / 2
    parameters = [one.full_tensor() if kind == "fsdp" else one for one in model.parameters()]
    if rank == 0:
        torch.save((value.detach(), [one.detach() for one in parameters]), f"{folder}/{kind} {reduction}.pt")


def process(rank: int, folder: str) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    for kind, reduction in TOGETHER:
        train(kind, reduction, rank, folder)
    distributed.destroy_process_group()


if __name__ == "__main__":
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    for reduction in ("mean", "mean_with_sample_weight"):
        train("alone", reduction, 0, sys.argv[1])
    multiprocessing.spawn(process, (sys.argv[1],), nprocs=2)
