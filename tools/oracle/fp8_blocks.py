#!/usr/bin/env python3
"""Records tests/data/fp8/torch: what PyTorch makes of the block quantisation of DeepSeek-V3 (report, section 3.3.2), and its own
conversions to float8. Raw little-endian files; tests/data/fp8/README.md lists them.   fp8_blocks.py [--out tests/data/fp8/torch]"""
import argparse
import struct
from pathlib import Path

import torch

LARGEST, SMALLEST_SCALE = 448.0, 2.0**-126


def blocks(x, rows, cols):
    """[m, n] -> [m / rows, n / cols, rows, cols], padded with zeros."""
    m, n = x.shape
    x = torch.nn.functional.pad(x, (0, -n % cols, 0, -m % rows))
    return x.view(x.shape[0] // rows, rows, x.shape[1] // cols, cols).transpose(1, 2)


def scales_of(x, rows, cols, power_of_two):
    most = blocks(x, rows, cols).abs().amax((2, 3))
    if power_of_two:
        mantissa, exponent = torch.frexp(most.double() / LARGEST)  # 0.5 <= mantissa < 1, or 0
        scales = torch.ldexp(torch.ones_like(mantissa), exponent - (mantissa == 0.5).int()).float()
    else:
        scales = most / LARGEST
    return torch.where(most == 0, torch.ones(()), scales.clamp(min=SMALLEST_SCALE))


def spread(scales, shape, rows, cols):
    """A scale for each element of the matrix."""
    return scales.repeat_interleave(rows, 0).repeat_interleave(cols, 1)[: shape[0], : shape[1]]


def quantise(x, rows, cols, power_of_two):
    scales = scales_of(x, rows, cols, power_of_two)
    return (x / spread(scales, x.shape, rows, cols)).to(torch.float8_e4m3fn), scales


def dequantise(codes, scales, rows=128, cols=128):
    return codes.float() * spread(scales.float(), codes.shape, rows, cols)


def tiles():
    """[6, 300] float32: three tiles a row, the last of 44."""
    g = torch.Generator().manual_seed(1)
    x = torch.randn(6, 300, generator=g)
    x[1] *= torch.exp(4 * torch.randn(300, generator=g))  # outliers: most of a tile falls among the subnormal codes
    x[2, :128] = 0
    x[2, 128:256] *= 1e-36  # scales below the smallest normal number
    x[3, 5] = -448 * 2.0**-7  # the largest code exactly
    x[3, :128].clamp_(-3.5, 3.5)
    x[4, 7], x[4, 200] = 448.0001, 447.9999  # one step above and below a power of two
    x[5] *= 1e30
    return x


def weights():
    """[130, 136] bfloat16: two by two blocks of 128 x 128, 128 x 8, 2 x 128 and 2 x 8."""
    g = torch.Generator().manual_seed(2)
    return (0.006 * torch.randn(130, 136, generator=g)).bfloat16()


def roundings():
    """Middles between neighbours, what lies beside them, and numbers of all sizes; with PyTorch's codes of both formats."""
    values = []
    for dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
        grid = torch.arange(0x80, dtype=torch.uint8).view(dtype).double()
        grid = grid[grid.isfinite()]
        middles = torch.cat([(grid[1:] + grid[:-1]) / 2, grid[-1:] + (grid[-1:] - grid[-2:-1]) / 2]).float()
        for towards in (-torch.inf, torch.inf):
            values.append(torch.nextafter(middles, torch.tensor(towards)))
        values.append(middles)
    g = torch.Generator().manual_seed(3)
    values.append(torch.exp(8 * torch.randn(200, generator=g)))
    values.append(torch.tensor([0.0, torch.inf, 1e38]))
    x = torch.cat(values)
    return torch.cat([x, -x])


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "tests/data/fp8/torch")
    out = p.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    def write(name, tensor):
        (out / name).write_bytes(tensor.contiguous().view(torch.uint8).numpy().tobytes())

    write("tiles.x.f32", tiles())
    write("weights.x.bf16", weights())
    for name, x, rows, cols in (("tiles", tiles(), 1, 128), ("weights", weights().float(), 128, 128)):
        for kind in ("f32", "pow2"):
            codes, scales = quantise(x, rows, cols, kind == "pow2")
            write(f"{name}.{kind}.codes", codes)
            write(f"{name}.{kind}.scales", scales)
    x = roundings()
    codes = [x.to(dtype).view(torch.uint8).tolist() for dtype in (torch.float8_e4m3fn, torch.float8_e5m2)]
    (out / "roundings.bin").write_bytes(b"".join(struct.pack("<fBBxx", *row) for row in zip(x.tolist(), *codes)))
    print(f"torch {torch.__version__}: {len(x)} roundings")


if __name__ == "__main__":
    main()
