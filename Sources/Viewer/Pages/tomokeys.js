// What keys do on the page of a tomogram; the help in app.js names them.

/** Does what a key means. Returns whether it means anything here. */
export function tomogramKey(page, event) {
	const ten = event.shiftKey ? 10 : 1;
	const isSlider = event.target === page.slider;
	const isFree = !event.target.closest?.("button, summary, [role=tab], .objects") || event.target === page.canvas;
	const isArrow = event.key.startsWith("Arrow");
	if (isArrow && event.shiftKey && !isSlider) {
		const [dx, dy] = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
		return page.solid ? page.solid.turn(dx, dy) : page.view.pan(dx, dy), true;
	}
	if (page.solid && isArrow && !isSlider) {
		const [dx, dy] = { ArrowLeft: [-30, 0], ArrowRight: [30, 0], ArrowUp: [0, -30], ArrowDown: [0, 30] }[event.key];
		return page.solid.turn(dx, dy), true;
	}
	const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
	if (step && !isSlider && isFree) return page.goToIndex(page.index + step * (Math.abs(step) === 1 ? ten : 1)), true;
	const { changes, particles, solid, view } = page;
	const actions = {
		Home: () => page.goToIndex(0), End: () => page.goToIndex(page.length - 1),
		x: () => page.setAxis("x"), y: () => page.setAxis("y"), z: () => page.setAxis("z"),
		"+": () => page.zoom(1.4), "=": () => page.zoom(1.4), "-": () => page.zoom(1 / 1.4),
		0: () => (solid ? solid.reset() : view.fit()), 1: () => view.zoom(1 / view.ratio / view.scale),
		i: () => page.setContrast({ isInverted: !page.contrast.isInverted }),
		"[": () => changes.markSlab(false), "]": () => changes.markSlab(true),
		c: () => page.toggleCompare(), ",": () => page.swipe(-0.05), ".": () => page.swipe(0.05),
		n: () => particles.step(1), p: () => particles.step(-1), a: () => particles.judge("accepted"), r: () => particles.judge("rejected"),
		m: () => particles.toggleAdding(), ...(isFree && particles.isAdding && { Enter: () => page.click(view.middle) }),
		v: () => page.toggleSolid(), h: () => page.hideLayers(),
		Escape: () => { particles.toggleAdding(false); particles.choose(null, false); page.hasCross = false; page.redraw(); },
	};
	if (!actions[event.key] || (isSlider && (event.key === "Home" || event.key === "End"))) return false;
	actions[event.key]();
	return true;
}
