"""`python3 run.py fuzz PARSER`: spoils golden vectors and gives them to every way into a device's code."""

import argparse
import sys
import time
from collections.abc import Iterator
from random import Random

from tests.fuzz.mutation import chance_of, mutated, slices
from tests.fuzz.parsers import PARSERS, Parser

UNKNOWN_PARSER = 2
SHOWN_EVERY_S = 5.0


def main(arguments: list[str] | None = None) -> int:
    """Run, tell, and fail on the first crash."""
    words = _arguments(arguments)
    parser = PARSERS.get(words.parser)
    if parser is None:
        _say(f"no such parser: {words.parser}; there are {', '.join(sorted(PARSERS))}")
        return UNKNOWN_PARSER
    if words.input is not None:
        return _replay(parser, bytes.fromhex(words.input), words.seed)
    return _fuzz(words.parser, parser, words.runs, words.seed)


def outcomes_of(parser: Parser, raw: bytes, chance: Random) -> Iterator[str]:
    """Give bytes to every way in and yield what came of each; whatever is raised but a refusal is a crash."""
    for name, way in parser.decoders.items():
        try:
            result = way.decode(raw)
        except way.refusals as refused:
            yield f"{name}: refused, {getattr(refused, 'reason', type(refused).__name__)}"
        else:
            yield f"{name}: {type(result).__name__}"
    for name, stream in parser.streams.items():
        pieces = slices(chance, raw)
        whole = stream([raw])
        if stream(pieces) != whole:
            raise AssertionError(f"{name}: slices of {[len(piece) for piece in pieces]} bytes gave something else")
        yield f"{name}: the same in slices"


def _fuzz(name: str, parser: Parser, runs: int, seed: int) -> int:
    chance, seeds, seen = chance_of(seed), list(parser.seeds()), dict[str, int]()
    began, known = time.monotonic(), len(seeds)
    shown = began
    for run in range(runs):
        raw = seeds[run] if run < known else mutated(chance, seeds)
        try:
            for outcome in outcomes_of(parser, raw, chance):
                if outcome not in seen:
                    seeds.append(raw)  # it got somewhere no other did: what is near it may get further
                seen[outcome] = seen.get(outcome, 0) + 1
        except Exception as error:  # noqa: BLE001 - any is a crash
            return _crashed(name, raw, error, run, seed)
        if time.monotonic() - shown > SHOWN_EVERY_S:
            shown = time.monotonic()
            _say(f"{run + 1:>10} inputs, {len(seen)} distinct outcomes")
    took_s = time.monotonic() - began
    for outcome, times in sorted(seen.items()):
        _say(f"{times:>10} {outcome}")
    ways = len(parser.decoders) + len(parser.streams)
    _say(
        f"{name}: {runs} inputs, {runs * ways} executions in {took_s:.1f} s, "
        f"{runs * ways / max(took_s, 1e-9):.0f} executions/s, {len(seen)} distinct outcomes, no crash; seed {seed}"
    )
    return 0


def _crashed(name: str, raw: bytes, error: Exception, run: int, seed: int) -> int:
    _say(f"{name}: input {run + 1} of seed {seed} crashed: {type(error).__name__}: {error}")
    _say(raw.hex())
    _say(f"again: python3 run.py fuzz {name} --input {raw.hex() or '00'}")
    return 1


def _replay(parser: Parser, raw: bytes, seed: int) -> int:
    """Let the error come through, with its traceback."""
    for outcome in outcomes_of(parser, raw, chance_of(seed)):
        _say(outcome)
    return 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py fuzz", description="Look for bytes that crash a parser.")
    parser.add_argument("parser", metavar="PARSER", help=f"a device's folder: {', '.join(sorted(PARSERS))}")
    parser.add_argument("--runs", type=int, default=100_000, help="inputs to try (100000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same inputs (1)")
    parser.add_argument("--input", metavar="HEX", help="one input, as a crash printed it")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
