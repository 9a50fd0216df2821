#!/bin/sh
# README's pictures, after `make run`: docs/terminal.svg, the tour's first stage as a terminal shows it; docs/report.png and docs/dial.png, parts of its page
# in a headless Chromium. The whole page is looked at in light, dark and 390 px: looks-*.png beside it; any message on the browser's console fails.
# Needs chromium (or CHROMIUM), python3 and script (bsdutils). Environment: OUT (out), what `make run` wrote, and MINKE, MODEL as there.
set -eu
out=${OUT:-out}
chromium=${CHROMIUM:-chromium}
page=$(readlink -f "$out/report.html")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -n '1,/^done$/p' runs/tour.sh > "$work/ask.sh"
OUT="$work" script -qec "sh $work/ask.sh" "$work/shown.txt" > /dev/null
grep -v '^Script ' "$work/shown.txt" | tail -n +3 | tools/terminal_svg.py > docs/terminal.svg

look() {  # NAME WIDTH HEIGHT URL SCHEME (1 light, 0 dark)
  $chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --allow-file-access-from-files --blink-settings=preferredColorScheme="$5" --window-size="$2,$3" \
    --screenshot="$out/looks-$1.png" --enable-logging=stderr "$4" > /dev/null 2> "$work/log" || { cat "$work/log"; exit 1; }
  ! grep CONSOLE "$work/log"
}
look light 900 3600 "file://$page" 1
look dark 900 3600 "file://$page" 0
# A window is at least 500 px wide: the telephone is a frame.
echo "<!DOCTYPE html><body style='margin:0'><iframe src='file://$page' style='width:390px;height:6400px;border:0'></iframe>" > "$work/phone.html"
look phone 500 6400 "file://$work/phone.html" 1

# Of the parts that README shows, pages of their own.
part() {  # NAME HEIGHT RUN TITLE
  ${MINKE:-build/minke} report "$3" --out "$work/$1.html" --title "$4" > /dev/null
  look "$1" 900 "$2" "file://$work/$1.html" 1
  mv "$out/looks-$1.png" "docs/$1.png"
}
part report 825 "$out/learn" "What minke learn did"
part dial 515 "$out/dial.jsonl" "What thinking buys"
ls -l docs/terminal.svg docs/report.png docs/dial.png "$out"/looks-*.png
