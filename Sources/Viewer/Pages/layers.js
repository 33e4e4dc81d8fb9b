// What lies over the slices: which layers are shown, how, on which side of a comparison; and the contrast of the density.

import { brushedHistogram } from "./facets.js";
import { bar, button, choice, clamp, faint, fill, grow, h, memory, part, swatch } from "./dom.js";
import { classColor, palette } from "./palette.js";

/** Layers with how they are shown; a browser remembers that by the layer's name. */
export function shownLayers(layers, classes) {
	const kept = memory.get("layers", {});
	const labels = layers.filter((layer) => layer.kind === "labels");
	const first = labels.find((layer) => layer.step === "segment") ?? labels[labels.length - 1];
	const points = layers.find((layer) => layer.step === "pick") ?? layers.find((layer) => layer.kind === "points");
	let next = 0;
	return layers.map((layer) => {
		const usual = {
			on: layer === first || layer === points, opacity: layer.kind === "points" ? 1 : layer.alpha ?? 0.5,
			style: layer.kind === "labels" ? "fill" : layer.kind === "points" ? "circles" : layer.class ? "tint" : (layer.alpha ?? 0.5) >= 0.9 ? "grey" : "heat",
			color: layer.class ? classColor(layer.class, classes) : palette[next++ % palette.length],
		};
		return { layer, side: "AB", canvas: null, level: 0, ...usual, ...kept[layer.id] };
	});
}

export class LayerPanel {
	/** @param changed is called when anything has to be drawn anew. */
	constructor(page, changed) {
		Object.assign(this, { page, changed });
		this.histogram = h("div.contrast");
		this.list = h("div.layerlist");
		this.compare = button("Compare A | B", "Compare two results by a line that is dragged (c)", () => page.toggleCompare(), { icon: "half", "aria-pressed": "false" });
		this.invert = h("input", { type: "checkbox", checked: page.contrast.isInverted, onchange: () => page.setContrast({ isInverted: this.invert.checked }) });
		this.element = h("div", part(
			bar(h("h3", "Density"), grow(), button("1 – 99 %", "Contrast from the 1st to the 99th percentile of this slice", () => page.autoContrast(0.01)),
				button("5 – 95 %", "Contrast from the 5th to the 95th percentile of this slice", () => page.autoContrast(0.05)), button("all", "The whole range", () => page.setContrast({ low: 0, high: 255 }))),
			this.histogram, h("label.check", this.invert, h("span", "dark and light exchanged"))),
		part(bar(h("h3", "Layers"), grow(), this.compare), this.list));
		this.draw();
	}

	/** The values of the slice that is shown, to drag the contrast on. */
	drawContrast(slice, contrast) {
		if (!slice) return;
		this.invert.checked = contrast.isInverted;
		const counts = new Array(64).fill(0);
		const step = Math.max(1, Math.floor(slice.bytes.length / 65536));
		for (let index = 0; index < slice.bytes.length; index += step) counts[slice.bytes[index] >> 2] += 1;
		const value = (byte) => slice.low + (byte / 255) * (slice.high - slice.low);
		const byte = (value_) => slice.high > slice.low ? ((value_ - slice.low) / (slice.high - slice.low)) * 255 : 0;
		const edges = counts.map((_, index) => value(index * 4)).concat(value(255));
		fill(this.histogram, brushedHistogram({
			edges, counts, label: "density", height: 54, range: { low: value(contrast.low), high: value(contrast.high) },
			onBrush: (range) => this.page.setContrast(range ? { low: clamp(byte(range.low), 0, 254), high: clamp(byte(range.high), 1, 255) } : { low: 0, high: 255 }),
		}));
	}

	save() {
		const kept = memory.get("layers", {});
		for (const { layer, on, opacity, style, color } of this.page.layers) kept[layer.id] = { on, opacity, style, color };
		memory.set("layers", Object.fromEntries(Object.entries(kept).slice(-200)));
	}

	draw() {
		const groups = ["Results", "Maps", "Annotations"].map((title) => [title, this.page.layers.filter(({ layer }) => title === (!layer.step ? "Annotations" : layer.kind === "map" ? "Maps" : "Results"))]);
		this.compare.setAttribute("aria-pressed", this.page.view.swipe === null ? "false" : "true");
		if (this.page.layers.length === 0) return fill(this.list, faint("There is no result yet, and no annotation: `cellar run` makes results."));
		fill(this.list, groups.filter(([, entries]) => entries.length).map(([title, entries]) => [h("h4", title), entries.map((entry) => this.row(entry))]));
	}

	row(entry) {
		const { layer } = entry;
		const change = (values, isDrawnAnew = false) => {
			Object.assign(entry, values);
			this.save();
			this.changed(entry, values);
			if (isDrawnAnew) this.draw();
		};
		const state = this.page.stateOf(layer.step);
		const styles = { map: [["tint", "tint"], ["heat", "colours"], ["grey", "grey"]], labels: [["fill", "fill"], ["contour", "contour"]] }[layer.kind];
		const legend = layer.kind === "labels" && layer.values?.length > 1 ? h("div.legend", layer.values.slice(0, 12).map((value) =>
			h("span", swatch(classColor(value.name, this.page.classes)), value.name))) : null;
		const hasOwnColor = layer.class || layer.kind === "points" || (layer.kind === "map" && entry.style === "tint") || layer.values?.length === 1;
		return h("div", { class: `layer${entry.on ? " on" : ""}`, "data-layer": layer.id },
			bar(h("label.check.grow", h("input", { type: "checkbox", checked: entry.on, onchange: (event) => change({ on: event.target.checked }, true) }),
				h("span", layer.label), state && state !== "fresh" ? h("span", { class: `state ${state}` }, state) : null),
			hasOwnColor && layer.kind !== "points" ? h("input", { type: "color", value: entry.color, "aria-label": `Colour of ${layer.label}`, title: "Colour", oninput: (event) => change({ color: event.target.value }) }) : null),
			entry.on ? h("div.bar.tools", h("input", { type: "range", min: 0, max: 1, step: 0.05, value: entry.opacity, "aria-label": `Opacity of ${layer.label}`, title: "Opacity", oninput: (event) => change({ opacity: Number(event.target.value) }) }),
				styles ? choice(`How ${layer.label} is drawn`, styles, entry.style, (style) => change({ style }, true)) : null,
				this.page.view.swipe !== null ? choice(`Side of ${layer.label}`, [["AB", "A and B"], ["A", "A"], ["B", "B"]], entry.side, (side) => change({ side })) : null) : null,
			entry.on ? legend : null);
	}
}
