"""Drives a running `cellar serve` in headless Chromium, as a person would, and says what did not work.

    cellar serve --port 8480 &
    python3 drive.py 'http://127.0.0.1:8480/?token=…' --pictures FOLDER [--tomogram ID] [--run 'cellar run'] [--read-only]

Needs Chromium, its driver (Debian: chromium, chromium-driver), and selenium from PyPI. It picks a slab and takes it back, filters, scrubs, rejects a
particle and takes that back, asks SQL, opens three dimensions, looks whether everything has a name for screen readers and is reached by Tab, and at
every page at 1280 x 800 and 390 x 844 in both schemes. With --read-only, nothing that changes something may be there, and what is sent is refused.
The console must stay empty. What needs results (particles, surfaces) is left out where the tomogram has none, and said. Ends with 1 where something failed.
"""

import argparse
import contextlib
import pathlib
import re
import shlex
import subprocess
import sys
import time
import traceback

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

WIDE, NARROW = (1280, 800), (390, 844)

# What people use, by the roles of Chromium's tree for screen readers; each has to have a name there.
INTERACTIVE = {
    "application", "button", "Canvas", "checkbox", "ColorWell", "combobox", "ComboBoxSelect", "dialog", "DisclosureTriangle", "grid", "link", "listbox",
    "menuitem", "radio", "region", "searchbox", "slider", "spinbutton", "switch", "tab", "tablist", "textbox",
}

# Notes which elements get the focus, and which of them do not show it.
WATCH_FOCUS = """window.reached = new Set();
window.unseen = new Set();
document.querySelector('.skip').focus();
document.addEventListener('focusin', ({target}) => requestAnimationFrame(() => {
  window.reached.add(target);
  const shown = [target, target.closest('.where')].some((element) => element && (getComputedStyle(element).outlineStyle !== 'none'
    || element.matches('.where') && getComputedStyle(element).boxShadow !== 'none'));
  if (!shown && document.activeElement === target) window.unseen.add(target);
}));"""

BUSY = "return [...document.querySelectorAll('.waiting, .busy')].some((element) => element.checkVisibility())"

# What can be tabbed to. Of tabs, the chosen one; arrows lead to the others.
TABBABLE = """const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
const wanted = all.filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}) && !e.matches('.skip') && e.getClientRects().length);
const text = (e) => e.outerHTML.slice(0, 90);
return {count: wanted.length, missed: wanted.filter((e) => !window.reached.has(e)).map(text), unseen: [...window.unseen].map(text)};"""


class Browser:
    """A Chromium of its own, with what the checks need."""

    def __init__(self, binary, driver):
        options = Options()
        options.binary_location = binary
        for argument in [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--use-gl=angle", "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader", "--disable-extensions", "--disable-background-networking",
        ]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.driver.set_script_timeout(30)
        self.driver.set_page_load_timeout(30)

    def look(self, size, scheme):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def script(self, text, *values):
        return self.driver.execute_script(text, *values)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector, seconds=15):
        """The element that can be seen, waited for."""
        return self.until(
            lambda: next((element for element in self.all(selector) if element.is_displayed()), None), f"{selector} is not there",
            seconds)

    def click(self, selector, index=0):
        """Clicks the element that can be seen, waited for: `one` returns it, and the page may have drawn another in its place since."""

        def clicked():
            seen = [element for element in self.all(selector) if element.is_displayed()]
            if len(seen) > index:
                seen[index].click()
                return True

        self.until(clicked, f"{selector} cannot be clicked")

    def until(self, condition, sentence, seconds=15):
        """What the condition gives as soon as that is true; an element that the page has just replaced is looked for again."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(StaleElementReferenceException):
                value = condition()
                if value:
                    return value
            if time.monotonic() > end:
                raise AssertionError(sentence)
            time.sleep(0.03)

    def keys(self, *keys):
        self.driver.find_element(By.TAG_NAME, "body").send_keys(*keys)

    def messages(self):
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]


class Checks:
    """The checks, in order; a failure does not end the others."""

    def __init__(self, browser, arguments):
        self.browser, self.arguments = browser, arguments
        self.base = arguments.address.split("/?")[0]
        self.failures, self.left_out, self.refused = [], [], []
        self.pictures = pathlib.Path(arguments.pictures)
        self.pictures.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def check(self, title, refused=None):
        """One check; `refused` is the pattern of what Chromium notes in its console about requests that are to be refused."""
        started = time.monotonic()
        if refused:
            self.refused.append(re.compile(refused))
        try:
            yield
            messages = self.messages()
            assert not messages, "the console says " + " | ".join(messages)
            print(f"ok       {title} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception as error:  # every failure is said, and the next check runs
            self.failures.append(title)
            print(f"FAILED   {title}: {str(error).splitlines()[0] if str(error) else type(error).__name__}", flush=True)
            if self.arguments.verbose:
                traceback.print_exc()
            with contextlib.suppress(Exception):
                self.picture(f"failed-{len(self.failures)}")
                self.browser.messages()

    def messages(self):
        """What the console says, without the refusals that a check asked for: a page asks for several things at once, and the last one may
        be answered when its check is over."""
        return [message for message in self.browser.messages() if not any(pattern.search(message) for pattern in self.refused)]

    def leave_out(self, title, reason):
        self.left_out.append(title)
        print(f"left out {title}: {reason}", flush=True)

    def picture(self, name):
        self.browser.driver.save_screenshot(str(self.pictures / f"{name}.png"))

    def go(self, page):
        self.browser.script("location.hash = arguments[0]", page)

    def api(self, path):
        return self.browser.driver.execute_async_script(
            "const done = arguments[1]; fetch('/api/v1/' + arguments[0]).then(a => a.json()).then(done, e => done({error: String(e)}))", path)

    def run(self):
        browser = self.browser
        browser.look(WIDE, "light")
        with self.check("the address with the token opens the collection"):
            started = time.monotonic()
            browser.driver.get(self.arguments.address)
            browser.one(".trow .title a")
            print(f"         first rows after {1000 * (time.monotonic() - started):.0f} ms, with the start of the page")
            assert "token" not in browser.driver.current_url, "the token is still in the address"
        with self.check("it opens as often as one likes: pages that were left hold none of the browser's six connections"):
            home = browser.driver.current_url
            for _ in range(8):
                browser.driver.get("about:blank")
                browser.driver.get(home)
                browser.one(".trow .title a")
        rows = self.api("tomograms?limit=1&columns=name,size_z")
        self.tomogram = self.arguments.tomogram or rows["rows"][0]["id"]
        self.name = self.api(f"tomograms/{self.tomogram}")["tomogram"]["name"]
        self.collection(rows["total"])
        self.slices()
        # The rest does not differ for who may only read.
        if not self.arguments.read_only:
            self.particles()
            self.solid()
            self.sql()
            self.others()
            self.live_run()
            self.looks()
        print(f"{len(self.failures)} failed, {len(self.left_out)} left out; pictures are in {self.pictures}")
        return 1 if self.failures else 0

    def looks(self):
        self.names()
        self.keyboard()
        self.gallery()

    def total(self):
        return int("".join(letter for letter in self.browser.one(".filterline .note").text if letter.isdigit()) or 0)

    def collection(self, total):
        browser = self.browser
        with self.check("rows are asked for only where they can be seen"):
            browser.until(lambda: self.total() == total, f"the page says {self.total()}, the server {total} tomograms")
            assert len(browser.all(".trow")) < 80, "the table holds more rows than can be seen"
            browser.script("const t = document.querySelector('.tscroll'); t.scrollTop = t.scrollHeight")
            browser.until(lambda: browser.all(f"[aria-rowindex='{total + 1}'] .title a"), "the last row does not come")
            browser.script("document.querySelector('.tscroll').scrollTop = 0")
        with self.check("a heading sorts, and again the other way"):
            browser.click(".thead button")
            browser.until(lambda: browser.all("[aria-sort=ascending]"), "no column says that it is sorted")
            browser.click("[aria-sort] button")
            browser.until(lambda: browser.all("[aria-sort=descending]"), "the order is not reversed")
        with self.check("a filter of SQL leaves some rows, and the address keeps it"):
            field = browser.one("#where")
            field.clear()
            field.send_keys(f"id <= {self.tomogram}", Keys.ENTER)
            expected = self.api(f"tomograms?limit=1&where=id<={self.tomogram}")["total"]
            browser.until(lambda: self.total() == expected, f"{expected} rows should be left")
            assert "where=" in browser.driver.current_url
        with self.check("a facet is brushed, and its chip removes it"):
            browser.click(".chip.quiet")
            browser.until(lambda: self.total() == total, "the filter is still there")
            bars = browser.one(".facet .histogram")
            ActionChains(browser.driver).move_to_element_with_offset(bars, -80, 0).click_and_hold().move_by_offset(60, 0).release().perform()
            browser.click(".chip:not(.quiet)")
            browser.until(lambda: self.total() == total and not browser.all(".chip"), "the facet is still there")
        with self.check("a wrong filter is said in a sentence", refused=r"where=nonsense.* status of 400 "):
            field = browser.one("#where")
            field.send_keys("nonsense = 1", Keys.ENTER)
            browser.until(lambda: "nonsense" in browser.one(".note.error").text, "no sentence says what is wrong")
            field.clear()
            field.send_keys(Keys.ENTER)
            browser.until(lambda: self.total() == total, "the filter is still there")

    def slices(self):
        browser = self.browser
        with self.check("a tomogram opens with a slice"):
            self.go(f"#/t/{self.tomogram}")
            browser.until(lambda: self.drawn() > 0, "no slice is drawn", 30)
        with self.check("scrubbing shows 20 slices a second or more"):
            last = int(browser.one(".slider").get_attribute("max"))
            browser.keys(Keys.HOME)
            browser.until(lambda: self.index() == 0, "the first slice does not come")
            count = min(60, last)
            before = self.drawn()
            seconds = browser.driver.execute_async_script(
                """const [count, done] = arguments, started = performance.now(), canvas = document.querySelector('canvas.slice');
                let sent = 0, seen = Number(canvas.dataset.drawn) - 1;
                // The next notch of the wheel comes when the slice before was seen, as an eager hand would.
                const step = () => {
                  if (sent < count && Number(canvas.dataset.drawn) > seen) {
                    seen = Number(canvas.dataset.drawn);
                    sent += 1;
                    canvas.dispatchEvent(new WheelEvent('wheel', {deltaY: 100, bubbles: true, cancelable: true}));
                  }
                  const isDone = sent === count && Number(canvas.dataset.index) >= count && Number(canvas.dataset.drawn) > seen;
                  if (isDone || performance.now() - started > 25000) return done((performance.now() - started) / 1000);
                  setTimeout(step, 4);
                };
                step();""", count)
            shown = self.drawn() - before
            print(f"         {shown} slices in {seconds:.2f} s: {shown / seconds:.0f} a second")
            assert self.index() == count, f"slice {self.index()} is shown, not {count}"
            assert shown / seconds >= self.arguments.rate, f"only {shown / seconds:.1f} slices a second"
        with self.check("axes, zoom, contrast and comparison by keys"):
            for key, label in [("y", "xz"), ("x", "yz"), ("z", "xy")]:
                browser.keys(key)
                browser.until(lambda: browser.one("[data-axis][aria-pressed=true]").text == label, f"{key} does not cut {label}")
                browser.until(lambda: self.index() is not None, "no slice is drawn")
            browser.keys("+", "+", "-", "0", "i", "i", "c", "c")
            browser.until(lambda: self.drawn() > 0, "no slice is drawn")
        with self.check("the pointer says where it is"):
            canvas = browser.one("canvas.slice")
            ActionChains(browser.driver).move_to_element_with_offset(canvas, 20, 10).perform()
            browser.until(lambda: "x" in browser.one(".readout").text, "no coordinates are shown")
        if self.arguments.read_only:
            return self.refusals()
        with self.check("a slab is picked by a drag, and taken back"):
            before = len(browser.all(".slab"))
            track = browser.one(".ztrack")
            offset = -int(track.size["width"] * 0.45)
            ActionChains(browser.driver).move_to_element_with_offset(track, offset, 12).click_and_hold().move_by_offset(60, 0).release().perform()
            browser.until(lambda: len(browser.all(".slab")) == before + 1, "no slab was added")
            browser.keys(Keys.CONTROL, "z")
            browser.until(lambda: len(browser.all(".slab")) == before, "the slab was not taken back")
            slabs = self.api(f"tomograms/{self.tomogram}")["slabs"]
            assert len(slabs) == before, f"the server has {len(slabs)} slabs, not {before}"

    def refusals(self):
        """What a read-only server offers, and what it says to who writes nevertheless."""
        browser = self.browser
        with self.check("nothing that changes something is offered"):
            assert browser.one(".badge").text == "read-only"
            slabs = len(browser.all(".slab"))
            ActionChains(browser.driver).move_to_element_with_offset(browser.one(".ztrack"), -200, 12).click_and_hold().move_by_offset(60, 0).release().perform()
            browser.click("[role=tab]", 1)
            if self.points():
                browser.one(".tally")
                browser.keys("n")
                browser.one(".chosen .facts")
            offered = [element.accessible_name for element in browser.all(".accept, .reject, .slabx, .forslab, [title*='Add particles'], [title*='Take back']") if element.is_displayed()]
            assert not offered, f"there is {offered}"
            assert len(browser.all(".slab")) == slabs, "a slab was added"
            browser.keys("m")
            assert "read-only" in browser.one(".toast.bad").text
        with self.check("a change that is sent nevertheless is refused in a sentence", refused=r"/api/v1/(slabs|curation).* status of 403 "):
            for method, path in [("POST", "slabs"), ("POST", "curation"), ("POST", "curation/accept"), ("DELETE", "slabs/1"), ("DELETE", "curation/1")]:
                status, answer = browser.driver.execute_async_script(
                    """const [method, path, done] = arguments;
                    fetch('/api/v1/' + path, {method, headers: {'Content-Type': 'application/json'}, body: method === 'POST' ? '{"tomogram": 1, "zFirst": 0, "zEnd": 4}' : undefined})
                      .then(async (answer) => done([answer.status, await answer.json()]));""", method, path)
                assert status == 403 and "read-only" in answer["error"], f"{method} {path} is answered by {status}: {answer}"

    def names(self):
        """Everything that people use has a name for screen readers."""
        browser = self.browser
        places = {"collection": ("#/", ".trow .title a"), "tomogram": (f"#/t/{self.tomogram}", "canvas.slice"), "solid": (f"#/t/{self.tomogram}?view=3d", ".solid canvas"),
                  "numbers": ("#/numbers", ".numbers .card"), "runs": ("#/runs", ".card"), "sql": ("#/sql?q=SELECT%201", ".result td")}
        for page, (hash, selector) in places.items():
            with self.check(f"names for screen readers: {page}"):
                self.go("#/runs" if page != "runs" else "#/")
                self.go(hash)
                browser.one(selector)
                time.sleep(1)
                self.named(page)
                for tab in browser.all("[role=tab]") if page == "tomogram" else []:
                    tab.click()
                    time.sleep(0.5)
                    self.named(f"{page}, {tab.text}")
        with self.check("names for screen readers: dialogs"):
            self.go("#/")
            browser.one(".trow .title a")
            for press in [lambda: browser.keys("?"), lambda: browser.click("[title='Choose columns']")]:
                press()
                browser.one("dialog")
                self.named("dialog")
                browser.keys(Keys.ESCAPE)
                browser.until(lambda: not browser.all("dialog"), "Escape does not close the dialog")

    def named(self, place):
        nodes = self.browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        used = [node for node in nodes if not node["ignored"] and node["role"]["value"] in INTERACTIVE]
        assert len(used) > 1, f"{place} has only {len(used)} things to use"
        for node in used:
            if not node.get("name", {}).get("value", "").strip():
                described = self.browser.driver.execute_cdp_cmd("DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]})["node"]
                raise AssertionError(f"{place}: a {node['role']['value']} has no name: {described['localName']} {described.get('attributes')}")

    def keyboard(self):
        """Tab reaches everything, and the focus can be seen."""
        browser = self.browser
        for page, hash, selector in [("collection", "#/", ".trow .title a"), ("tomogram", f"#/t/{self.tomogram}", ".layer"), ("numbers", "#/numbers", ".numbers .histogram"),
                                     ("sql", "#/sql?q=SELECT%201", ".result td")]:
            with self.check(f"Tab reaches everything, and the focus is seen: {page}"):
                self.go("#/runs")
                browser.one(".card")
                self.go(hash)
                browser.one(selector)
                time.sleep(1)
                browser.script(WATCH_FOCUS)
                for _ in range(20):
                    ActionChains(browser.driver).send_keys(Keys.TAB * 10).perform()
                    found = browser.script(TABBABLE)
                    if not found["missed"]:
                        break
                print(f"         {found['count']} things to use")
                assert not found["missed"], f"Tab does not reach {found['missed']}"
                assert not found["unseen"], f"the focus is not seen at {found['unseen']}"

    def index(self):
        value = self.browser.script("return document.querySelector('canvas.slice')?.dataset.index")
        return None if value is None else int(value)

    def drawn(self):
        return int(self.browser.script("return document.querySelector('canvas.slice')?.dataset.drawn") or 0)

    def points(self):
        layers = self.api(f"tomograms/{self.tomogram}")["layers"]
        layer = next((layer for layer in layers if layer["kind"] == "points" and layer["step"]), None)
        return self.api(f"tomograms/{self.tomogram}/points?layer={layer['id']}")["points"] if layer else []

    def particles(self):
        browser = self.browser
        title = "a particle is rejected, and that is taken back"
        points = self.points()
        if not points:
            return self.leave_out(title, "the tomogram has no particles")
        with self.check(title):
            rejected = lambda: sum(point["state"] == "rejected" for point in self.points())
            before = rejected()
            browser.click("[role=tab]", 1)
            browser.one(".tally")
            browser.keys("n")
            browser.click(".chosen .reject")
            browser.until(lambda: rejected() == before + 1, "the server knows of no rejected particle")
            self.picture("particles")
            browser.keys(Keys.CONTROL, "z")
            browser.until(lambda: rejected() == before, "the particle is still rejected")
        with self.check("more like this: some are chosen, added to a class, and taken back"):
            added = lambda: sum(point["state"] == "added" for point in self.points())
            before = added()
            browser.click("[role=tab]", 1)
            browser.keys("n")
            next(button for button in browser.all(".chosen button") if button.text == "More like this").click()
            browser.until(lambda: len(browser.all(".gallery img")) > 2, "no particle is like it")
            browser.until(lambda: browser.script("return [...document.querySelectorAll('.gallery img')].every((image) => image.complete && image.naturalWidth > 0)"), "pictures are missing")
            own = [button for button in browser.all(".gallery button") if f"/{self.name} #" in button.get_attribute("title")][:2]
            for button in own:
                button.click()
            self.picture("like")
            browser.click("dialog .primary")
            browser.until(lambda: added() == before + len(own), "what was chosen is not added")
            browser.keys(Keys.CONTROL, "z")
            browser.until(lambda: added() == before, "what was added is still there")
        with self.check("a particle is added by keys alone, and taken back"):
            added = lambda: sum(point["state"] == "added" for point in self.points())
            before = added()
            browser.keys(Keys.ESCAPE, "m")
            browser.one("canvas.slice").send_keys(Keys.ENTER)
            browser.until(lambda: added() == before + 1, "the server knows of no added particle")
            browser.keys(Keys.ESCAPE, Keys.CONTROL, "z")
            browser.until(lambda: added() == before, "the particle is still there")
        with self.check("an object leads to its slice"):
            browser.click("[role=tab]", 2)
            browser.one(".objects tbody tr")
            row = browser.all(".objects tbody tr")[:3][-1]
            wanted = int(row.find_elements(By.TAG_NAME, "td")[-1].text)
            row.click()
            browser.until(lambda: self.index() == wanted, f"slice {wanted} is not shown")
        with self.check("steps say why"):
            browser.click("[role=tab]", 3)
            browser.click(".stepname")
            browser.until(lambda: browser.script("return document.querySelector('.why').textContent.trim()") not in ("", "…"), "no reason is given")

    def solid(self):
        browser = self.browser
        with self.check("three dimensions open, turn and close"):
            browser.keys("v")
            canvas = browser.one(".solid canvas")
            segmented = any(layer["step"] == "segment" and layer["kind"] == "labels" for layer in self.api(f"tomograms/{self.tomogram}")["layers"])
            if segmented:
                browser.until(lambda: int(canvas.get_attribute("data-triangles") or 0) > 0, "no surface is drawn", 60)
            time.sleep(0.5)
            self.picture("solid")
            browser.keys(Keys.ARROW_LEFT, Keys.ARROW_UP, "+", "0", "v")
            browser.until(lambda: not browser.all(".solid canvas"), "the scene is still there")

    def sql(self):
        browser = self.browser
        with self.check("SQL is asked, and has a link and downloads"):
            self.go("#/sql")
            editor = browser.one("textarea.sql")
            editor.clear()
            editor.send_keys("SELECT id, dataset, name FROM v_tomogram ORDER BY id LIMIT 5")
            editor.send_keys(Keys.CONTROL, Keys.ENTER)
            rows = browser.until(lambda: browser.all(".result tbody tr"), "no rows came")
            assert len(rows) <= 5 and "q=SELECT" in browser.driver.current_url
            links = [link.get_attribute("href") for link in browser.all(".sqlbar a")]
            assert any("format=csv" in link for link in links), links

    def others(self):
        browser = self.browser
        with self.check("numbers show a histogram, and a brush filters the table"):
            self.go("#/numbers")
            bars = browser.one(".numbers .histogram")
            time.sleep(1)
            if browser.all(".numbers .histogram .in"):
                ActionChains(browser.driver).move_to_element_with_offset(bars, -100, 0).click_and_hold().move_by_offset(150, 0).release().perform()
                browser.click(".chip:not(.quiet)")
        with self.check("runs are listed"):
            self.go("#/runs")
            browser.until(lambda: len(browser.all(".card")) >= 6 and not browser.all(".card .waiting"), "a part of the page does not come")

    def live_run(self):
        browser = self.browser
        title = "a run is followed while it goes"
        if not self.arguments.run:
            return self.leave_out(title, "no --run")
        with self.check(title):
            self.go("#/runs")
            browser.until(lambda: "No run is under way" in browser.one(".card.now").text, "a run is under way already")
            rows = len(browser.until(lambda: browser.all(".card.wide:last-child tbody tr"), "no run is listed"))
            process = subprocess.Popen(shlex.split(self.arguments.run), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                browser.until(lambda: browser.all(".card.now progress") or process.poll() is not None, "no progress is shown", 60)
                assert browser.all(".card.now progress"), "the run was over before the page knew of it"
                assert browser.one(".live").text.strip(), "the header says nothing of the run"
                self.picture("run")
                process.wait(timeout=300)
            finally:
                process.kill()
            browser.until(lambda: "No run is under way" in browser.one(".card.now").text, "the page does not know that the run is over")
            browser.until(lambda: len(browser.all(".card.wide:last-child tbody tr")) == rows + 1, "the run is not listed")

    def gallery(self):
        browser = self.browser
        pages = {"collection": "#/", "tomogram": f"#/t/{self.tomogram}", "solid": f"#/t/{self.tomogram}?view=3d", "numbers": "#/numbers", "runs": "#/runs",
                 "sql": "#/sql?q=SELECT%20id%2C%20dataset%2C%20name%2C%20voxel_size%20FROM%20v_tomogram%20LIMIT%20100"}
        for name, size in [("wide", WIDE), ("narrow", NARROW)]:
            for scheme in ["light", "dark"]:
                with self.check(f"pages at {size[0]} x {size[1]}, {scheme}"):
                    browser.look(size, scheme)
                    for page, hash in pages.items():
                        self.go("#/runs" if page != "runs" else "#/")
                        self.go(hash)
                        time.sleep(2 if page == "solid" else 0.8)
                        browser.until(lambda: not browser.script(BUSY), f"{page} is not ready")
                        width = browser.script("return document.documentElement.scrollWidth")
                        assert width <= size[0], f"{page} is {width} pixels wide"
                        self.picture(f"{page}-{name}-{scheme}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="as `cellar serve` prints it, with the token")
    parser.add_argument("--pictures", default="pictures", help="the folder for pictures")
    parser.add_argument("--tomogram", type=int, help="the id of the tomogram to look at; the first one, if not given")
    parser.add_argument("--read-only", action="store_true", help="the server was started with --read-only")
    parser.add_argument("--run", help="a command that makes something stale run, such as 'cellar run', to follow it")
    parser.add_argument("--rate", type=float, default=20, help="least slices a second while scrubbing")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--driver", default="/usr/bin/chromedriver")
    parser.add_argument("--verbose", action="store_true", help="print where a check failed")
    arguments = parser.parse_args()
    browser = Browser(arguments.chromium, arguments.driver)
    try:
        return Checks(browser, arguments).run()
    finally:
        browser.driver.quit()


if __name__ == "__main__":
    sys.exit(main())
