"""Opens a served tomogram and its segmentation in neuroglancer, in headless Chromium, and looks whether both are drawn.

    cellar serve --port 8480 &
    python3 open_neuroglancer.py 'http://127.0.0.1:8480/?token=…' [--tomogram ID] [--picture FILE.png]

Needs Chromium, its driver (Debian: chromium, chromium-driver), and from PyPI selenium==4.51.0 and neuroglancer==2.41.2, which brings its client and
serves it at a port of its own: to Chromium that is another site, as neuroglancer's public page is. The state is the one that the page of the tomogram
offers. Every chunk that the view needs must come, the picture must have greys and colours, and the console must be empty. Ends with 1 where not.
"""

import argparse
import json
import re
import sys
import threading
import time

import neuroglancer
import numpy

from drive import WIDE, Browser


def offered_state(browser, address, tomogram):
    """The state for neuroglancer, as the page's dialog has it to be copied."""
    browser.driver.get(address)
    browser.one(".trow .title a", 30)
    browser.script("location.hash = `#/t/${arguments[0]}`", tomogram)
    browser.one(".forneuroglancer", 30).click()
    return browser.until(lambda: next((text for text in browser.script("return [...document.querySelectorAll('dialog code')].map(c => c.textContent)")
                                       if text.startswith("{")), None), "the dialog has no state for neuroglancer")


def first_tomogram(browser, address):
    browser.driver.get(address)
    ask = "fetch('/api/v1/tomograms?limit=1').then(a => a.json()).then(a => arguments[0](a.rows[0].id))"
    browser.one(".trow .title a", 30)
    return browser.driver.execute_async_script(ask)


def screenshot(viewer, seconds):
    """What neuroglancer draws when all that it shows has come. It answers in a thread, since it waits for ever."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(viewer.screenshot(size=[800, 600])), daemon=True)
    thread.start()
    thread.join(seconds)
    assert answers, f"neuroglancer still waits for chunks after {seconds} s"
    return answers[0].screenshot.image_pixels[..., :3].astype(int)


def check(browser, arguments):
    browser.look(WIDE, "dark")
    tomogram = arguments.tomogram or first_tomogram(browser, arguments.address)
    state = json.loads(offered_state(browser, arguments.address, tomogram))
    # Lines have colours too: without them, colours are labels.
    state |= {"showAxisLines": False, "showDefaultAnnotations": False, "crossSectionScale": 0.5}
    viewer = neuroglancer.Viewer()
    viewer.set_state(state)
    browser.messages()
    browser.driver.get(viewer.get_viewer_url())
    started = time.monotonic()
    pixels = screenshot(viewer, arguments.seconds)
    print(f"ok       all chunks came ({time.monotonic() - started:.1f} s), {len(state['layers'])} layers from {state['layers'][0]['source']}")
    if arguments.picture:
        browser.driver.save_screenshot(arguments.picture)
    spread = pixels.max(axis=-1) - pixels.min(axis=-1)
    greys, colours = len(numpy.unique(pixels[spread < 8])), int((spread > 40).sum())
    assert greys > 50, f"the picture has only {greys} greys: no density is drawn"
    if any(layer["type"] == "segmentation" for layer in state["layers"]):
        assert colours > 50, f"only {colours} pixels have a colour: no labels are drawn"
    print(f"ok       the picture has {greys} greys, and {colours} pixels with a colour")
    # It asks for metadata of every kind of zarr to find out which this is, and Chromium notes what is not there.
    optional = re.compile(r"/(zarr\.json|\.zarray|\.zattrs|favicon\.ico) - .* 404 ")
    errors = [message for message in browser.messages() if message.startswith("SEVERE") and not optional.search(message)]
    assert not errors, "the console says " + " | ".join(errors)
    print("ok       no error in the console")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="as `cellar serve` prints it, with the token")
    parser.add_argument("--tomogram", type=int, help="the id of the tomogram; the first one, if not given")
    parser.add_argument("--picture", help="where to put a picture of the whole page")
    parser.add_argument("--seconds", type=float, default=60, help="the most to wait for chunks")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--driver", default="/usr/bin/chromedriver")
    arguments = parser.parse_args()
    browser = Browser(arguments.chromium, arguments.driver)
    try:
        check(browser, arguments)
    except AssertionError as error:
        print(f"FAILED   {error}")
        return 1
    finally:
        browser.driver.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
