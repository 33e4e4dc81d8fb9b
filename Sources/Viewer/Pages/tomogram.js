// A tomogram: slices with what was found on top, the strip along z, the side panel, and three dimensions.

import { address, get, session as getSession, zarrAddress } from "./api.js";
import { Changes } from "./changes.js";
import { listing } from "./collection.js";
import { remember } from "./app.js";
import { ObjectTable, aboutPanel, shareDialog, stepTable } from "./details.js";
import { append, button, clamp, complain, copy, debounce, fill, grow, h, number, tabbed, toast } from "./dom.js";
import { LayerPanel, shownLayers } from "./layers.js";
import { classColor, greyTable, layerTable, paint } from "./palette.js";
import { Particles } from "./particles.js";
import { readout } from "./readout.js";
import { SliceStore } from "./slices.js";
import { tomogramKey } from "./tomokeys.js";
import { SliceView, cutPoints, planes } from "./view.js";
import { ZStrip } from "./zstrip.js";

export async function open(main, options) {
	const page = new TomogramPage(main, options);
	await page.start();
	return page;
}

class TomogramPage {
	constructor(main, { rest, parameters, session, events }) {
		Object.assign(this, { main, session, events, id: Number(rest[0]) });
		this.isReadOnly = session.readOnly;
		this.controller = new AbortController();
		this.signal = this.controller.signal;
		this.parameters = parameters;
		this.axis = ["x", "y", "z"].includes(parameters.get("axis")) ? parameters.get("axis") : "z";
		this.contrast = { low: 0, high: 255, isInverted: false };
		this.changes = new Changes(this);
		this.direction = 1;
		this.layers = [];
		this.classes = [];
	}

	async start() {
		const answer = await get(`tomograms/${this.id}`, {}, this.signal);
		this.answer = answer;
		const { tomogram, shape } = answer;
		document.title = `${tomogram.name} · Cellar`;
		this.shape = shape;
		this.voxelSize = answer.voxelSize ?? null;
		this.classes = answer.classes ?? [];
		this.slabs = answer.slabs ?? [];
		this.steps = answer.steps ?? [];
		this.layers = shownLayers(answer.layers ?? [], this.classes);
		const at = (axis) => {
			const value = Number(this.parameters.get(axis) || NaN);
			return Number.isFinite(value) ? clamp(Math.round(value), 0, shape[axis] - 1) : Math.floor(shape[axis] / 2);
		};
		this.cursor = { x: at("x"), y: at("y"), z: at("z") };
		this.store = new SliceStore({ arrived: (key) => this.arrived(key), failed: (error, key) => this.sliceFailed(error, key) });
		this.build();
		this.view.resize();
		this.setAxis(this.axis, true);
		this.strip.setExtent(answer.extent);
		this.strip.setSlabs(this.slabs);
		this.particles.load();
		this.onEvent = (kind) => { if (kind === "catalog") this.refresh(); };
		this.refresh = debounce(() => this.reload(), 800);
		this.events.listeners.add(this.onEvent);
		if (this.parameters.get("view") === "3d") this.toggleSolid(true);
	}

	undo() { this.changes.undo(); }

	get index() { return this.cursor[this.axis]; }
	get length() { return this.shape[this.axis]; }
	/** The state of a step; where its items differ, that of those that are not fresh. */
	stateOf(step) {
		const states = this.steps.filter((entry) => entry.step === step).map((entry) => entry.state);
		return states.find((state) => state !== "fresh") ?? states[0] ?? null;
	}

	// What stands where

	build() {
		const { tomogram } = this.answer;
		this.canvas = h("canvas.slice", { tabindex: 0, role: "application", "aria-roledescription": "slice", "aria-describedby": "readout" });
		this.readout = h("div.readout", { id: "readout" });
		this.busy = h("div.busy", { hidden: true, "aria-hidden": "true" });
		this.stage = h("div.stage", this.canvas, this.busy, this.readout);
		this.solidStage = h("div.stage.solid", { hidden: true });
		this.slider = h("input.slider", { type: "range", min: 0, step: 1, "aria-label": "Slice", oninput: () => this.goToIndex(Number(this.slider.value)) });
		this.number = h("input.slicenumber", { type: "number", min: 0, "aria-label": "Number of the slice", onchange: () => this.goToIndex(Number(this.number.value)) });
		this.ofNumber = h("span.faint.ofnumber");
		this.axes = ["z", "y", "x"].map((axis) => button({ z: "xy", y: "xz", x: "yz" }[axis], `Cut across ${axis} (${axis})`, () => this.setAxis(axis), { "data-axis": axis }));
		this.solidButton = button("3-D", "Surfaces in three dimensions (v)", () => this.toggleSolid(), { icon: "cube", "aria-pressed": "false" });
		this.undoButton = button("", "Take back the last change (ctrl+z)", () => this.undo(), { icon: "undo", disabled: true, hidden: this.isReadOnly });
		const neighbours = this.parameters.get("at") !== null;
		const zoomBar = h("div.zoombar", button("", "Zoom in (+)", () => this.view.zoom(1.4), { icon: "plus" }), button("", "Zoom out (−)", () => this.view.zoom(1 / 1.4), { icon: "minus" }), button("", "Fit the whole slice (0)", () => this.view.fit(), { icon: "fit" }));
		this.stage.append(zoomBar);
		const tools = h("div.toolbar.tomobar",
			neighbours ? h("span.group", button("", "Previous tomogram of the list", () => this.neighbour(-1), { icon: "left" }), button("", "Next tomogram of the list", () => this.neighbour(1), { icon: "right" })) : null,
			h("h1", { title: `${tomogram.dataset}/${tomogram.name}` }, h("span.faint", `${tomogram.dataset} / `), tomogram.name), grow(),
			h("span.group", { role: "group", "aria-label": "Axis" }, this.axes), this.solidButton, this.undoButton,
			h("span.group.share", button("napari", "Copy for napari: the address of this tomogram as OME-Zarr", () => this.share("napari"), { icon: "copy", class: "fornapari" }), button("neuroglancer", "Open in neuroglancer", () => this.share("neuroglancer"), { icon: "open", class: "forneuroglancer" })));
		this.strip = new ZStrip(this.shape.z, { jump: (z) => this.goTo({ ...this.cursor, z }), ...(!this.isReadOnly && { add: (first, end) => this.changes.addSlab(first, end), remove: (slab) => this.changes.removeSlab(slab) }) });

		this.view = new SliceView(this.canvas, {
			scroll: (steps) => this.goToIndex(this.index + steps), click: (place, event) => this.click(place, event), hover: (place) => this.hover(place),
			contrast: (dx, dy) => this.dragContrast(dx, dy), swipe: (fraction) => { this.view.swipe = fraction; this.view.redraw(); }, moved: () => this.moved?.(),
		});
		this.moved = debounce(() => this.wantSlices(), 80);
		this.particles = new Particles(this);
		this.layerPanel = new LayerPanel(this, (entry, values) => this.layerChanged(entry, values));
		this.objects = new ObjectTable(this);
		this.stepPlace = h("div.panelpart", stepTable(this, this.steps));
		this.aboutPlace = h("div", aboutPanel(this.answer));
		const [tabs, panels, showTab] = tabbed("About this tomogram", [["Layers", this.layerPanel.element], ["Particles", this.particles.element], ["Objects", this.objects.element, () => this.objects.open()], ["Steps", this.stepPlace], ["About", this.aboutPlace]]);
		this.showTab = showTab;
		const side = h("aside.side", { "aria-label": "About this tomogram" }, tabs, panels);
		const sliderRow = h("div.sliderrow", this.slider, this.number, this.ofNumber);
		append(this.main, [tools, h("div.workspace", h("div.viewer", this.stage, this.solidStage, sliderRow, this.strip.element), side)]);
		this.drawContrast = debounce(() => this.layerPanel.drawContrast(this.shown, this.contrast), 160);
		this.remember = debounce(() => {
			if (this.isClosed) return;
			const address = new URLSearchParams({ axis: this.axis, ...this.cursor });
			if (this.parameters.get("at") !== null) address.set("at", this.parameters.get("at"));
			if (this.solid) address.set("view", "3d");
			remember(`t/${this.id}`, address);
		}, 300);
		this.showCover();
	}

	// Slices

	/** The address of a slice of the density, or of a layer. */
	key(index, layer, level = this.level) {
		return address(`tomograms/${this.id}/${layer ? `layers/${encodeURIComponent(layer)}/` : ""}slice`, { axis: this.axis, index, level: level || null });
	}

	covers(layer, index) {
		if (this.axis !== "z") return true;
		return layer.slices.length === 0 || layer.slices.some(([first, end]) => index >= first && index < end);
	}

	get drawnLayers() { return this.layers.filter((entry) => entry.on && entry.layer.kind !== "points"); }

	wantSlices() {
		if (this.isClosed) return;
		const pixels = this.view.scale * this.view.ratio;
		const level = clamp(Math.floor(Math.log2(1 / pixels) + 0.25), 0, 4);
		if (level !== this.level) { this.level = level; this.shownIndex = null; }
		const keys = [];
		const add = (index) => { if (index >= 0 && index < this.length) keys.push(this.key(index)); };
		const addLayers = (index) => {
			if (index < 0 || index >= this.length) return;
			for (const entry of this.drawnLayers) if (this.covers(entry.layer, index)) keys.push(this.key(index, entry.layer.id));
		};
		add(this.index);
		addLayers(this.index);
		const urgent = keys.length;
		for (let step = 1; step <= 10; step += 1) {
			add(this.index + step * this.direction);
			if (step <= 3) add(this.index - step * this.direction);
			addLayers(this.index + step * this.direction);
		}
		this.store.want(keys, urgent);
		this.showNearest();
		this.busy.hidden = this.shownIndex === this.index;
	}

	/** Shows the slice that is wanted, or the nearest to it that has come. */
	showNearest() {
		const shown = this.shownIndex;
		if (this.store.has(this.key(this.index))) return this.showSlice(this.index);
		const limit = shown === null || shown === undefined ? 12 : Math.min(12, Math.abs(shown - this.index) - 1);
		for (let step = 1; step <= limit; step += 1) {
			for (const index of [this.index - step * this.direction, this.index + step * this.direction]) {
				if (index >= 0 && index < this.length && this.store.has(this.key(index))) return this.showSlice(index);
			}
		}
	}

	showSlice(index) {
		const slice = this.store.get(this.key(index));
		// A layer may come first where results changed, and everything is asked for again.
		if (!slice) return;
		if (this.shown !== slice) {
			this.shown = slice;
			this.shownIndex = index;
			if (!this.hasContrast) { this.hasContrast = true; this.autoContrast(0.005); } else this.view.setBase(slice, this.level, this.greys);
			this.drawContrast();
			this.solid?.setSlice(this);
		}
		this.shownIndex = index;
		for (const entry of this.drawnLayers) this.showLayer(entry);
		this.view.layers = this.drawnLayers.filter((entry) => entry.canvas);
		this.redraw();
		this.canvas.dataset.index = index;
		this.busy.hidden = index === this.index;
	}

	/** Colours a layer for the slice that is shown, where it has come. */
	showLayer(entry, isAnew = false) {
		const slice = this.covers(entry.layer, this.shownIndex) ? this.store.get(this.key(this.shownIndex, entry.layer.id)) : null;
		if (!slice) { entry.canvas = null; entry.slice = null; return; }
		if (slice === entry.slice && entry.canvas && !isAnew) return;
		entry.surface ??= document.createElement("canvas");
		paint(slice, layerTable(entry.layer, entry.style, entry.color, this.classes), entry.surface, entry.style === "contour");
		Object.assign(entry, { canvas: entry.surface, slice, level: this.level });
	}

	arrived(key) {
		if (this.isClosed) return;
		if (key === this.key(this.index) || this.shownIndex !== this.index) this.showNearest();
		else if (this.drawnLayers.some((entry) => this.key(this.shownIndex, entry.layer.id) === key)) this.showSlice(this.shownIndex);
	}

	sliceFailed(error, key) {
		if (this.isClosed || (!key.includes(`index=${this.index}&`) && !key.endsWith(`index=${this.index}`))) return;
		this.busy.hidden = true;
		if (this.lastTrouble !== error.message) complain(error);
		this.lastTrouble = error.message;
	}

	redraw() {
		if (!this.view) return;
		const { particles } = this;
		const [u, v] = planes[this.axis];
		const points = [];
		for (const entry of this.layers) {
			if (entry.layer.kind !== "points" || !entry.on) continue;
			const list = particles.byLayer.get(entry.layer.id) ?? [];
			points.push(...cutPoints(particles.hidesRejected ? list.filter((point) => point.state !== "rejected") : list, this.axis, this.shownIndex ?? this.index, (point) => ({
				color: classColor(point.class, this.classes), opacity: entry.opacity, side: entry.side, isChosen: point === particles.chosen, text: typeof point.score === "number" ? number(point.score, 2) : point.class,
			})));
		}
		this.view.hasScores = particles.hasScores;
		this.view.points = points;
		this.view.cross = particles.isAdding ? this.view.middle.map((value) => value - 0.5) : this.hasCross ? [this.cursor[u], this.cursor[v]] : null;
		this.view.redraw();
		this.solid?.setPoints(this);
	}

	setAxis(axis, isFirst = false) {
		if (axis === this.axis && !isFirst) return;
		this.axis = axis;
		for (const element of this.axes) element.setAttribute("aria-pressed", element.dataset.axis === axis ? "true" : "false");
		const [u, v] = planes[axis];
		const size = (name) => this.voxelSize?.[["x", "y", "z"].indexOf(name)] ?? 1;
		this.view.unit = this.voxelSize ? size(u) : null;
		this.slider.max = this.length - 1;
		this.number.max = this.length - 1;
		this.ofNumber.textContent = `/ ${this.length - 1}`;
		this.shownIndex = null;
		this.shown = null;
		for (const entry of this.layers) Object.assign(entry, { canvas: null, slice: null });
		this.greys = greyTable(this.contrast.low, this.contrast.high, this.contrast.isInverted);
		this.view.setPlane([this.shape[u], this.shape[v]], size(v) / size(u));
		this.goToIndex(this.index);
	}

	goToIndex(index) {
		if (!Number.isFinite(index)) return;
		const next = clamp(Math.round(index), 0, this.length - 1);
		if (next !== this.index) this.direction = Math.sign(next - this.index) || 1;
		this.cursor[this.axis] = next;
		this.slider.value = next;
		this.number.value = next;
		this.slider.setAttribute("aria-valuetext", `slice ${next} of ${this.length}`);
		this.canvas.setAttribute("aria-label", `Slice across ${this.axis}, ${next} of ${this.length}`);
		this.strip.setZ(this.cursor.z);
		this.wantSlices();
		if (this.shownIndex !== null) this.redraw();
		this.hover(this.lastPlace);
		this.remember();
	}

	/** Goes to a place in voxels, and shows where it is. */
	goTo(place, hasCross = false) {
		for (const axis of ["x", "y", "z"]) if (Number.isFinite(place[axis])) this.cursor[axis] = clamp(Math.round(place[axis]), 0, this.shape[axis] - 1);
		this.hasCross = hasCross;
		const [u, v] = planes[this.axis];
		this.goToIndex(this.index);
		if (hasCross) this.view.reveal([this.cursor[u], this.cursor[v]]);
	}

	// Contrast

	setContrast(values) {
		Object.assign(this.contrast, values);
		if (this.contrast.high - this.contrast.low < 2) this.contrast.high = this.contrast.low + 2;
		this.greys = greyTable(this.contrast.low, this.contrast.high, this.contrast.isInverted);
		if (this.shown) this.view.setBase(this.shown, this.level, this.greys);
		this.solid?.setSlice(this);
		this.drawContrast();
	}

	dragContrast(dx, dy) {
		const { low, high } = this.contrast;
		const width = clamp((high - low) * Math.exp(dx / 200), 4, 512);
		const middle = clamp((low + high) / 2 + dy * 0.4, -60, 315);
		this.setContrast({ low: middle - width / 2, high: middle + width / 2 });
	}

	autoContrast(part) {
		if (!this.shown) return;
		const counts = new Uint32Array(256);
		for (const byte of this.shown.bytes) counts[byte] += 1;
		const find = (goal) => { let sum = 0; for (let byte = 0; byte < 256; byte += 1) { sum += counts[byte]; if (sum >= goal) return byte; } return 255; };
		this.setContrast({ low: find(part * this.shown.bytes.length), high: Math.max(1, find((1 - part) * this.shown.bytes.length)) });
	}

	// Pointers

	hover(place) {
		this.lastPlace = place;
		fill(this.readout, place ? readout(this, place) : null);
	}

	click(place, event) {
		const [u, v] = planes[this.axis];
		const at = { [u]: place[0] - 0.5, [v]: place[1] - 0.5, [this.axis]: this.index };
		if (this.particles.isAdding) return this.particles.add(at);
		let best = null;
		for (const point of this.view.points) {
			const distance = Math.hypot(point.u - at[u], point.v - at[v]);
			const reach = Math.max(point.cut, 6 / this.view.scale);
			if (distance <= reach && (!best || distance < best.distance)) best = { point, distance };
		}
		if (best) {
			this.particles.choose(best.point.source, false);
			if (event.pointerType !== "touch") this.showTab(1);
			return;
		}
		this.particles.choose(null, false);
		for (const axis of [u, v]) this.cursor[axis] = clamp(Math.floor(axis === u ? place[0] : place[1]), 0, this.shape[axis] - 1);
		this.hasCross = true;
		this.strip.setZ(this.cursor.z);
		this.redraw();
		this.remember();
	}

	// Layers

	layerChanged(entry, values) {
		if ("on" in values) {
			if (entry.layer.kind === "points") { entry.on ? this.particles.load() : this.particles.draw(); }
			else this.wantSlices();
			this.showCover();
		}
		if ("color" in values || "style" in values) { if (entry.slice) this.showLayer(entry, true); this.showCover(); }
		this.view.layers = this.drawnLayers.filter((other) => other.canvas);
		this.redraw();
	}

	showCover() {
		this.strip.setCover(this.layers.filter((entry) => entry.on).map((entry) => ({ label: entry.layer.label, slices: entry.layer.slices, state: this.stateOf(entry.layer.step), color: entry.color })));
	}

	toggleCompare() {
		this.view.swipe = this.view.swipe === null ? 0.5 : null;
		if (this.view.swipe !== null) {
			const drawn = this.drawnLayers;
			// Two results are set against each other at once; with one, it is set against the density alone.
			if (drawn.every((entry) => entry.side === "AB")) drawn.forEach((entry, index) => { entry.side = index === 0 ? "A" : "B"; });
		} else for (const entry of this.layers) entry.side = "AB";
		this.layerPanel.draw();
		this.redraw();
	}

	swipe(step) {
		if (this.view.swipe === null) return;
		this.view.swipe = clamp(this.view.swipe + step, 0, 1);
		this.redraw();
	}

	// The rest

	async share(program) {
		const info = await getSession();
		const url = zarrAddress(info, this.answer.tomogram);
		if (program === "napari") return copy(url, "the address for napari");
		await shareDialog(url, this);
	}

	async neighbour(step) {
		const place = Number(this.parameters.get("at") ?? 0) + step;
		if (place < 0) return toast("This is the first tomogram of the list.");
		try {
			const { rows } = await get("tomograms", { where: listing.where, sort: listing.sort, descending: listing.sort ? Number(listing.descending) : "", offset: place, limit: 1, columns: "name" }, this.signal);
			if (rows.length === 0) return toast("This is the last tomogram of the list.");
			location.hash = `#/t/${rows[0].id}?at=${place}`;
		} catch (error) { complain(error); }
	}

	async toggleSolid(isOn = !this.solid) {
		if (this.isOpening) return;
		this.solidButton.setAttribute("aria-pressed", isOn ? "true" : "false");
		this.isOpening = true;
		try {
			if (isOn) {
				const { Solid } = await import("./solid.js");
				if (this.isClosed) return;
				this.stage.hidden = true;
				this.solidStage.hidden = false;
				this.solid = new Solid(this.solidStage, this);
			} else {
				this.solid?.close();
				this.solid = null;
				fill(this.solidStage);
				this.solidStage.hidden = true;
				this.stage.hidden = false;
				this.view.resize();
			}
		} catch (error) {
			complain(error);
			this.solid = null;
			this.solidStage.hidden = true;
			this.stage.hidden = false;
			this.solidButton.setAttribute("aria-pressed", "false");
		} finally { this.isOpening = false; }
		this.remember();
	}

	/** Results changed: layers, steps and slabs are asked for anew; what is shown stays until they are here. */
	async reload() {
		if (this.isClosed) return;
		try {
			const answer = await get(`tomograms/${this.id}`, {}, this.signal);
			const before = JSON.stringify(this.answer.layers);
			this.answer = answer;
			const haveChanged = JSON.stringify(answer.steps) !== JSON.stringify(this.steps);
			Object.assign(this, { slabs: answer.slabs ?? [], steps: answer.steps ?? [] });
			this.strip.setSlabs(this.slabs);
			this.strip.setExtent(answer.extent);
			// A reason that somebody opened stays.
			if (haveChanged) fill(this.stepPlace, stepTable(this, this.steps));
			if (JSON.stringify(answer.layers) !== before) {
				const old = new Map(this.layers.map((entry) => [entry.layer.id, entry]));
				this.layers = shownLayers(answer.layers ?? [], this.classes).map((entry) => ({ ...entry, side: old.get(entry.layer.id)?.side ?? "AB" }));
				this.store.clear();
				this.shown = null;
				this.particles.load(true);
				this.layerPanel.draw();
			}
			this.showCover();
			this.wantSlices();
		} catch (error) { complain(error); }
	}

	onKey(event) { return tomogramKey(this, event); }

	zoom(factor) { this.solid ? this.solid.zoom(factor) : this.view.zoom(factor); }

	hideLayers() {
		if (this.view.areLayersHidden) return;
		this.view.areLayersHidden = true;
		this.view.redraw();
		addEventListener("keyup", () => { this.view.areLayersHidden = false; this.view.redraw(); }, { once: true });
	}

	close() {
		this.isClosed = true;
		this.controller.abort();
		this.store?.close();
		this.view?.close();
		this.solid?.close();
		if (this.onEvent) this.events.listeners.delete(this.onEvent);
	}
}
