"""Measures the page of a large collection in headless Chromium: first rows, scrolling, a filter of SQL, facets.

    cellar serve --catalog LARGE &
    python3 large.py 'http://127.0.0.1:8480/?token=…' [--rounds 5]

The catalog of 10,000 tomograms that Benchmarks/NOTES.md speaks of has files of 8 x 8 x 8 voxels, `cellar add` and `cellar run --until describe`. Times are taken
within the page, by its own clock, from the start of the navigation: what the browser itself needs to start is not in them. Ends with 1 where a bar
is missed.
"""

import argparse
import statistics
import sys
import time

from drive import WIDE, Browser

# Marks the first frame in which rows can be seen, and the first in which every facet has its histogram.
MARKS = """
const seen = {};
const mark = (name) => { if (!seen[name]) { seen[name] = true; requestAnimationFrame(() => setTimeout(() => performance.mark(name))); } };
new MutationObserver(() => {
  if (document.querySelector('.trow .title a')) mark('rows');
  const facets = document.querySelectorAll('.facet');
  if (facets.length && [...facets].every((facet) => facet.querySelector('.facetbody').firstChild)) mark('facets');
}).observe(document, {childList: true, subtree: true});
"""

# Each script ends with a number of milliseconds, or of what it counts.
FIRST = """const [name, done] = arguments, end = performance.now() + 20000;
const look = () => { const found = performance.getEntriesByName(name)[0];
  found ? done(found.startTime) : performance.now() > end ? done(null) : setTimeout(look, 10); };
look();"""

JUMP = """const [total, done] = arguments, box = document.querySelector('.tscroll');
(async () => {
box.scrollTop = 0;
await new Promise((done) => setTimeout(done, 500));
const started = performance.now();
box.scrollTop = box.scrollHeight;
const look = () => document.querySelector(`[aria-rowindex='${total + 1}'] .title a`) ? done(performance.now() - started)
  : performance.now() - started > 20000 ? done(null) : requestAnimationFrame(look);
look();
})();"""

# A hand that drags the scroll bar from the top to the end within about four seconds.
SCROLL = """const [done] = arguments, box = document.querySelector('.tscroll'), frames = [];
box.scrollTop = 0;
let last = performance.now(), rows = 0;
const started = last;
const step = () => {
  const now = performance.now();
  frames.push(now - last);
  last = now;
  rows = Math.max(rows, document.querySelectorAll('.trow').length);
  const part = (now - started) / 4000;
  if (part > 1) return done({frames, rows});
  box.scrollTop = part * (box.scrollHeight - box.clientHeight);
  requestAnimationFrame(step);
};
requestAnimationFrame(step);"""

FILTER = """const [text, done] = arguments, note = document.querySelector('.filterline .note'), before = note.textContent;
const field = document.getElementById('where'), started = performance.now();
performance.clearResourceTimings();
field.value = text;
field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
const look = () => {
  if (note.textContent !== before) {
    const own = performance.getEntriesByType('resource').find((entry) => entry.name.includes('/tomograms?'));
    return done({page: performance.now() - started, server: own ? own.responseEnd - own.requestStart : null, text: note.textContent});
  }
  performance.now() - started > 20000 ? done(null) : setTimeout(look, 2);
};
look();"""


class Measured:
    """Bars, and whether they were kept."""

    def __init__(self):
        self.missed = 0

    def say(self, what, values, bar=None, unit="ms"):
        assert None not in values, f"{what}: did not come within 20 s"
        middle = statistics.median(values)
        verdict = "" if bar is None else f", bar {bar}" if middle < bar else f", bar {bar} MISSED"
        self.missed += verdict.endswith("MISSED")
        print(f"{what}: {middle:.0f} {unit} ({min(values):.0f} to {max(values):.0f}{verdict})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="as `cellar serve` prints it, with the token")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--filter", default="voxel_size < 10 AND slabs = 0", help="an SQL expression that leaves some tomograms")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--driver", default="/usr/bin/chromedriver")
    arguments = parser.parse_args()
    browser, measured = Browser(arguments.chromium, arguments.driver), Measured()
    driver = browser.driver
    ask = driver.execute_async_script
    try:
        browser.look(WIDE, "light")
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": MARKS})
        driver.get(arguments.address)
        total = browser.until(lambda: ask("fetch('/api/v1/tomograms?limit=1').then(a => a.json()).then(a => arguments[0](a.total))"), "the server has no tomogram")
        rows, facets = [], []
        for _ in range(arguments.rounds):
            driver.get("about:blank")
            driver.get(arguments.address.split("/?")[0] + "/")
            rows.append(ask(FIRST, "rows"))
            facets.append(ask(FIRST, "facets"))
        print(f"{total} tomograms, {arguments.rounds} rounds each: the middle, the least and the most")
        measured.say("first rows after the start of the navigation", rows, 300)
        measured.say("all facets", facets)
        measured.say("a jump to the last row", [ask(JUMP, total) for _ in range(arguments.rounds)])
        scrolls = [ask(SCROLL) for _ in range(arguments.rounds)]
        measured.say("frames a second while the whole table goes by in 4 s", [1000 / statistics.mean(scroll["frames"]) for scroll in scrolls], unit="a second")
        measured.say("the longest frame of these", [max(scroll["frames"]) for scroll in scrolls])
        assert max(scroll["rows"] for scroll in scrolls) < 80, "the table holds more rows than can be seen"
        filters = []
        for _ in range(arguments.rounds):
            filters.append(ask(FILTER, arguments.filter))
            ask(FILTER, "")
            time.sleep(0.5)
        print(f"the filter {arguments.filter} leaves {filters[0]['text']}")
        measured.say("the filter, until the page has drawn it", [answer["page"] for answer in filters])
        measured.say("the filter, the server's part with the way there and back", [answer["server"] for answer in filters], 100)
        messages = browser.messages()
        assert not messages, "the console says " + " | ".join(messages)
    finally:
        driver.quit()
    return 1 if measured.missed else 0


if __name__ == "__main__":
    sys.exit(main())
