// Small histograms beside a table: brush one, and the table shows what lies within. Names are chosen by a click.

import { get } from "./api.js";
import { append, bar, button, choice, clamp, count, drag, fill, grow, h, memory, number, setStyle } from "./dom.js";
import { filters } from "./filters.js";
import { shortName, usualMetrics } from "./table.js";

const usual = ["dataset", "voxel_size", "size_z", "thickness_nm", "slabs"];

/** The facets that this browser chose, each with a histogram under the filter of all others. */
export class FacetPanel {
	constructor(all) {
		this.all = all;
		this.boxes = new Map();
		this.list = h("div.facetlist");
		this.element = h("div.facetpanel", this.list);
		this.names = memory.get("facets", null) ?? [...usual, ...usualMetrics(all, 2)];
		this.names = this.names.filter((name) => all.some((column) => column.name === name));
		this.stop = filters.listen((what) => this.reload(what));
		this.draw();
	}

	close() {
		this.stop();
		for (const box of this.boxes.values()) box.close();
	}

	/** Asks for the histograms, once: after the first rows, which people wait for and which need the same connections. */
	start() {
		if (this.isStarted) return;
		this.isStarted = true;
		this.reload();
	}

	reload(changed) { if (this.isStarted) for (const box of this.boxes.values()) changed === box.column.name ? box.draw() : box.load(); }

	draw() {
		for (const box of this.boxes.values()) box.close();
		this.boxes.clear();
		fill(this.list);
		for (const name of this.names) {
			const box = new FacetBox(this.all.find((column) => column.name === name), () => this.choose(this.names.filter((other) => other !== name)));
			this.boxes.set(name, box);
			this.list.append(box.element);
			if (this.isStarted) box.load();
		}
		const rest = this.all.filter((column) => !this.names.includes(column.name) && !["id", "name", "path", "meta", "voxel_digest"].includes(column.name));
		this.list.append(choice("Add a facet", [["", "Add a facet …"], ...rest.map((column) => column.name)], "", (name) => { if (name) this.choose([...this.names, name]); }, { class: "addfacet" }));
	}

	choose(names) {
		for (const name of this.names) if (!names.includes(name)) filters.setFacet(name, null);
		this.names = names;
		memory.set("facets", names);
		this.draw();
	}
}

class FacetBox {
	constructor(column, remove) {
		this.column = column;
		this.body = h("div.facetbody");
		this.reset = button("", `Show all of ${column.name}`, () => filters.setFacet(column.name, null), { icon: "undo", class: "quiet bare", hidden: true });
		this.element = h("section.facet", { "aria-label": column.name }, bar(
			h("h3", { title: `${column.name}: ${column.meaning}` }, shortName(column), column.unit ? h("span.unit", ` ${column.unit}`) : null), grow(), this.reset,
			button("", `Remove the facet ${column.name}`, remove, { icon: "close", class: "quiet bare faint" })), this.body);
	}

	close() { this.controller?.abort(); }

	async load() {
		this.controller?.abort();
		this.controller = new AbortController();
		try {
			this.data = await get("histogram", { column: this.column.name, where: filters.where(this.column.name), bins: 28 }, this.controller.signal);
			this.draw();
		} catch (error) {
			// A wrong filter is said once, at its line.
			if (error.name !== "AbortError" && !this.data) fill(this.body, h("small", filters.text ? "" : error.message));
		}
	}

	draw() {
		if (!this.data) return;
		const facet = filters.facets.get(this.column.name);
		this.reset.hidden = !facet;
		if (this.data.kind === "names") this.drawNames(facet);
		else this.drawNumbers(facet);
	}

	drawNames(facet) {
		const most = Math.max(1, ...this.data.values.map((entry) => entry.count));
		const chosen = new Set(facet?.values ?? []);
		fill(this.body, h("div.names", this.data.values.map((entry) => {
			const bar = h("span.namebar", { style: { width: `${(100 * entry.count) / most}%` } });
			return h("button.namerow", { "aria-pressed": chosen.has(entry.value), onclick: () => {
				chosen.has(entry.value) ? chosen.delete(entry.value) : chosen.add(entry.value);
				filters.setFacet(this.column.name, chosen.size ? { values: [...chosen] } : null);
			} }, bar, h("span.nametext", entry.value ?? "–"), h("span.num", count(entry.count)));
		})), this.missing());
	}

	missing() { return this.data.missing ? h("small", `${count(this.data.missing)} without`) : null; }

	drawNumbers(facet) {
		const { edges, counts } = this.data;
		if (!edges || edges.length < 2) return fill(this.body, h("small", "no numbers"));
		fill(this.body, brushedHistogram({ edges, counts, range: facet, label: this.column.name, height: 46, onBrush: (range) => filters.setFacet(this.column.name, range) }), this.missing());
	}
}

/**
 * A histogram that can be brushed with the pointer, or by its two fields.
 * @param options `edges`, `counts`, `range` `{low, high}` or null, `label`, `height`, `onBrush(range or null)`
 */
export function brushedHistogram({ edges, counts, range, label, height, onBrush, fields = true, isLinear = false }) {
	const most = Math.max(1, ...counts);
	const [low, high] = [edges[0], edges[edges.length - 1]];
	const width = 240;
	const toX = (value) => high > low ? clamp(((value - low) / (high - low)) * width, 0, width) : 0;
	const toValue = (x) => low + (clamp(x, 0, 1)) * (high - low);
	const brush = h("rect.brush", { y: 0, height, x: 0, width: 0 });
	const bars = counts.map((value, index) => {
		// Square roots, so that a rare value beside a frequent one is seen.
		const size = value ? Math.max(1.5, (isLinear ? value / most : Math.sqrt(value / most)) * (height - 2)) : 0;
		const [x, end] = [toX(edges[index]), toX(edges[index + 1])];
		const isIn = !range || (edges[index + 1] > range.low && edges[index] < range.high) || (edges[index] === range.low);
		return h("rect", { class: isIn ? "in" : "out", x, y: height - size, width: Math.max(0.5, end - x - 1), height: size },
			h("title", `${number(edges[index], 3)} – ${number(edges[index + 1], 3)}: ${count(value)}`));
	});
	const setBrush = (from, to) => {
		brush.setAttribute("x", Math.min(from, to));
		brush.setAttribute("width", Math.abs(to - from));
	};
	if (range) setBrush(toX(range.low), toX(range.high));
	const svg = h("svg.histogram", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
		"aria-label": `${label}: ${count(counts.reduce((sum, value) => sum + value, 0))} values from ${number(low, 3)} to ${number(high, 3)}` }, brush, bars);
	setStyle(svg, { height: `${height}px` });
	const at = (event) => {
		const box = svg.getBoundingClientRect();
		return clamp((event.clientX - box.left) / box.width, 0, 1);
	};
	drag(svg, (event) => ({ from: at(event) }), (event, state) => setBrush(state.from * width, at(event) * width), (event, state, moved) => {
		if (!moved) return range ? onBrush(null) : undefined;
		const [a, b] = [state.from, at(event)].sort((x, y) => x - y);
		onBrush({ low: round(toValue(a), high - low), high: round(toValue(b), high - low) });
	});
	const field = (name, value, other) => h("input", { type: "number", step: "any", "aria-label": `${label}, ${name}`, value: round(value, high - low), onchange: (event) => {
		const next = Number(event.target.value);
		if (event.target.value === "" || !Number.isFinite(next)) return onBrush(null);
		const [a, b] = name === "least" ? [next, other] : [other, next];
		onBrush({ low: Math.min(a, b), high: Math.max(a, b) });
	} });
	const box = h("div.histobox", svg);
	if (fields) append(box, [h("div.range", field("least", range?.low ?? low, range?.high ?? high), field("most", range?.high ?? high, range?.low ?? low))]);
	return box;
}

/** A number with as many digits as its range needs, so that conditions stay short. */
function round(value, span) {
	if (!(span > 0)) return value;
	const digits = Math.max(0, 3 - Math.floor(Math.log10(span)));
	return digits > 12 ? value : Number(value.toFixed(digits));
}
