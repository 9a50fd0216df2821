#!/usr/bin/env python3
"""What a terminal showed, as an SVG that follows the reader's light or dark scheme.

  script -qec 'runs/tour.sh' shown.txt; head -40 shown.txt | tools/terminal_svg.py > docs/terminal.svg

Of escape sequences dim (2), bold (1) and plain (0) are drawn, others left out. Lines longer than 110 characters are cut."""
import html
import re
import sys

COLUMNS, WIDTH, LINE, MARGIN = 110, 7.3, 17, 16

lines, style = [], ""
for raw in sys.stdin.read().replace("\r\n", "\n").split("\n"):
    raw = raw.split("\r")[-1]  # a progress line that was rewritten in place
    spans, used = [], 0
    for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z])", raw):
        if part.startswith("\x1b["):
            if part.endswith("m"):
                style = {"2": "d", "1": "b"}.get(part[2:-1], "")
            continue
        part = part[: COLUMNS - used]
        used += len(part)
        if part:
            spans.append((style, part))
    lines.append(spans)
while lines and not lines[-1]:
    lines.pop()

width, height = 2 * MARGIN + COLUMNS * WIDTH, 2 * MARGIN + LINE * len(lines)
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" role="img" aria-label="A terminal">')
print("<style>text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;fill:#1f2328}.d{fill:#6e7781}.b{font-weight:700}rect{fill:#f6f8fa}"
      "@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.d{fill:#9198a1}rect{fill:#151b23}}</style>")
print(f'<rect width="{width:.0f}" height="{height}" rx="8"/>')
for i, spans in enumerate(lines):
    if spans:
        text = "".join(f'<tspan class="{style}">{html.escape(part)}</tspan>' if style else html.escape(part) for style, part in spans)
        print(f'<text x="{MARGIN}" y="{MARGIN + LINE * i + 12}" xml:space="preserve">{text}</text>')
print("</svg>")
