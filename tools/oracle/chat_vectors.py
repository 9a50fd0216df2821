#!/usr/bin/env python3
"""Conversations rendered by DeepSeek-R1's own template, for tests/data/chat_test.cpp.

usage: chat_vectors.py > tests/data/chat/vectors.jsonl
"""
import json
import pathlib
import sys

import jinja2

BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"


def turns(*pairs):
    return [{"role": role, "content": content} for role, content in pairs]


CASES = {
    "simple": turns(("user", "Hi")),
    "system": turns(("system", "You are brief."), ("user", "Hi")),
    "two systems, one late": turns(("system", "A"), ("user", "q"), ("system", "B"), ("assistant", "a"), ("user", "r")),
    "multi": turns(("system", "S"), ("user", "1+1?"), ("assistant", "<think>add</think>2"), ("user", "2+2?")),
    "cut after the last </think>": turns(("user", "q"), ("assistant", "<think>a</think>b</think>\n\nc"), ("user", "r")),
    "no thought before": turns(("user", "q"), ("assistant", "plain\n"), ("user", "r")),
    "blanks and lines": turns(("user", "  two\n\nlines \n"), ("assistant", "\n"), ("user", "\n\n")),
    "unicode": turns(("system", "Ünïcode ☃"), ("user", "数学: 3×4=?"), ("assistant", "<think>\n十二\n</think>\n\n$12$ 🙂"), ("user", "और?")),
    "three turns": turns(*[(r, f"{r} {i}") for i in range(3) for r in ("user", "assistant")], ("user", "end")),
    "empty": turns(("system", ""), ("user", "")),
}

template = jinja2.Environment().from_string((pathlib.Path(__file__).parents[2] / "tests/data/chat/deepseek-r1.jinja").read_text().rstrip("\n"))
for name, messages in CASES.items():
    text = template.render(messages=messages, add_generation_prompt=True, bos_token=BOS, eos_token=EOS)
    json.dump({"case": name, "messages": messages, "expected": text}, sys.stdout, ensure_ascii=False)
    print()
