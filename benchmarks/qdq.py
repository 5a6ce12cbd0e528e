"""Speed and memory of quantize-dequantize: ours, ``copy_`` as the limit, and other libraries.

    python -m benchmarks.qdq [--shapes 4096x4096 ...] [--formats int8 ...] [--compiled] [--csv FILE] [--plot FILE]

Run it from the repository's root. Libraries that are not installed are left out; ``pip install -e '.[peers]'`` brings
them. How it measures is in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

SHAPES = ("4096x4096", "4096x11008", "2048x4096")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark as the command line says."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else torch's profiler writes two lines for each use

    import torch

    from benchmarks.cases import configs, label, make_case
    from benchmarks.measure import Result, measure
    from benchmarks.peers import load_peers
    from benchmarks.report import close_calls, draw, lines, write_csv
    from quark_core.errors import QuarkError

    torch.set_num_threads(options.threads)
    peers, missing = load_peers()
    print(f"torch {torch.__version__}, {options.threads} thread(s), {options.repeats} rounds; medians")
    if missing:
        print(f"not installed, left out: {', '.join(missing)}")
    results: list[Result] = []
    for config in configs(tuple(options.formats)):
        for shape in options.shapes:
            try:
                case = make_case(config, shape)
            except QuarkError as error:  # a group size that does not divide the shape
                print(f"{label(config)}  {shape[0]}x{shape[1]}: left out, {error}")
                continue
            found = measure(case, peers, options.repeats, with_compiled=options.compiled)
            print(f"{found[0].format}  {found[0].shape}", *lines(found), sep="\n", flush=True)
            results += found
            if options.csv:
                write_csv(options.csv, results)  # after each case, so that a run cut short leaves its figures
    if not results:
        raise SystemExit("nothing to measure: no dtype or label is named like --formats")
    print("not twice as fast as the fastest peer:", *(close_calls(results) or ["  nowhere"]), sep="\n")
    if options.plot:
        draw(options.plot, results)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.qdq", description="Speed and memory of qdq.")
    parser.add_argument("--shapes", nargs="+", type=_shape, default=[_shape(text) for text in SHAPES])
    parser.add_argument("--formats", nargs="+", default=[], help="dtypes, or labels such as 'int4 per_group 32'")
    parser.add_argument("--repeats", type=_positive, default=5, help="rounds that count")
    parser.add_argument("--threads", type=_positive, default=1)
    parser.add_argument("--compiled", action="store_true", help="ours through the opt-in compiler too")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--plot", type=Path, help="PNG or SVG; needs matplotlib")
    return parser


def _shape(text: str) -> tuple[int, int]:
    rows, columns = (_positive(size) for size in text.split("x"))
    return rows, columns


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


if __name__ == "__main__":
    main()
