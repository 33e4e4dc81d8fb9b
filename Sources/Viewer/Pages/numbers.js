// Numbers: a histogram and a scatter plot of tomograms that are brushed, with the table that follows; and the plots of `cellar plot`.

import { columns as allColumns, get, text } from "./api.js";
import { remember } from "./app.js";
import { FilterLine, chosenColumns, listing, openTomogram } from "./collection.js";
import { append, bar, button, choice, clamp, color, count, drag, faint, fill, grow, h, memory, number, swatch, tick } from "./dom.js";
import { brushedHistogram } from "./facets.js";
import { filters } from "./filters.js";
import { palette } from "./palette.js";
import { TomogramTable, usualMetrics } from "./table.js";

export async function open(main, { parameters, events }) {
	const all = await allColumns();
	filters.read(parameters);
	const numeric = all.filter((column) => column.type !== "text" && column.name !== "id");
	const names = numeric.map((column) => column.name);
	const known = (name, ...others) => [name, ...others].find((other) => names.includes(other)) ?? names[0];
	const kept = memory.get("numbers", {});
	const state = { x: known(parameters.get("x") ?? kept.x, "thickness_nm"), y: known(parameters.get("y") ?? kept.y, ...usualMetrics(all, 2).reverse(), "density_std"), sort: "", descending: false };

	const line = new FilterLine();
	const table = new TomogramTable({ open: openTomogram, rowHeight: 36,
		sort: (name) => { Object.assign(state, { descending: state.sort === name ? !state.descending : false, sort: name }); show(); },
		loaded: (total) => { line.say(`${count(total)} tomogram${total === 1 ? "" : "s"}`); listing.total = total; }, failed: (error) => line.say(error.message, true) });
	const histogram = h("div.plotbody");
	const scatter = new Scatter(openTomogram);
	const axis = (key) => choice(key === "x" ? "Across" : "Upwards", names, state[key], (name) => {
		filters.facets.delete(state[key]);
		state[key] = name;
		memory.set("numbers", { x: state.x, y: state.y });
		filters.changed("axes");
	});
	append(main, [h("h1.offscreen", "Numbers"), h("div.toolbar", line.element),
		h("div.numbers", h("section.card", bar(h("h2", "Histogram of"), axis("x")), histogram),
			h("section.card", bar(h("h2", "Against"), axis("y"), grow(), scatter.note), scatter.element),
			h("section.card.tablecard", table.element), figureCard(all))]);

	let controller = new AbortController();
	async function show() {
		const where = filters.where();
		Object.assign(listing, { where, sort: state.sort, descending: state.descending });
		const address = new URLSearchParams({ x: state.x, y: state.y });
		filters.write(address);
		remember("numbers", address);
		const [x, y] = [state.x, state.y].map((name) => all.find((column) => column.name === name));
		table.show({ where, sort: state.sort, descending: state.descending }, [x, y, ...chosenColumns(all).filter((column) => column !== x && column !== y).slice(0, 3)]);
		controller.abort();
		controller = new AbortController();
		const { signal } = controller;
		get("histogram", { column: state.x, where: filters.where(state.x), bins: 40 }, signal).then((data) => {
			if (!data.edges?.length) return fill(histogram, faint("There are no numbers."));
			fill(histogram, brushedHistogram({ edges: data.edges, counts: data.counts, label: state.x, height: 190, isLinear: true, range: filters.facets.get(state.x), onBrush: (range) => filters.setFacet(state.x, range) }),
				faint(`${x.meaning ?? ""}${x.unit ? ` (${x.unit})` : ""}${data.missing ? ` · ${count(data.missing)} without` : ""}`));
		}).catch(() => {});
		scatter.load(x, y, filters.where(state.x, state.y), signal).catch((error) => { if (error.name !== "AbortError") scatter.note.textContent = filters.text ? "" : error.message; });
	}
	const stop = filters.listen(() => { line.draw(); show(); });
	const onEvent = (kind) => { if (kind === "catalog") { table.reload(); show(); } };
	events.listeners.add(onEvent);
	await show();
	return {
		onKey(event) {
			if (event.key === "/") { line.input.focus(); return true; }
			return !event.target.closest("button, a, summary") && table.onKey(event);
		},
		close() { stop(); events.listeners.delete(onEvent); controller.abort(); table.close(); scatter.close(); },
	};
}

/** Dots of tomograms, in a colour for each dataset; a rectangle that is drawn filters by both numbers. */
class Scatter {
	constructor(open_) {
		this.canvas = h("canvas.scatter", { tabindex: 0, role: "img" });
		this.note = h("span.note");
		this.tip = h("div.tip", { hidden: true });
		this.legend = h("div.legend");
		this.element = h("div.plotbody.scatterbox", h("div.scatterplace", this.canvas, this.tip), this.legend);
		this.rows = [];
		this.datasets = [];
		this.observer = new ResizeObserver(() => this.draw());
		this.observer.observe(this.element);
		this.scheme = matchMedia("(prefers-color-scheme: dark)");
		this.onScheme = () => this.draw();
		this.scheme.addEventListener("change", this.onScheme);
		drag(this.canvas, (event) => ({ from: [event.offsetX, event.offsetY] }), (event, state) => { this.brush = [state.from, [event.offsetX, event.offsetY]]; this.draw(); }, (event, state, moved) => {
			this.brush = null;
			if (!moved) {
				const dot = this.nearest(event.offsetX, event.offsetY);
				if (dot) return open_(dot, 0);
				for (const column of [this.x, this.y]) filters.facets.delete(column.name);
				return filters.changed("brush");
			}
			const [a, b] = [this.value(state.from), this.value([event.offsetX, event.offsetY])];
			[this.x, this.y].forEach((column, index) => filters.facets.set(column.name, { low: Number(Math.min(a[index], b[index]).toPrecision(5)), high: Number(Math.max(a[index], b[index]).toPrecision(5)) }));
			filters.changed("brush");
		});
		this.canvas.addEventListener("pointermove", (event) => {
			const dot = this.nearest(event.offsetX, event.offsetY);
			this.tip.hidden = !dot;
			if (!dot) return;
			this.tip.textContent = `${dot.dataset}/${dot.name}: ${number(dot[this.x.name])}, ${number(dot[this.y.name])}`;
			this.tip.style.left = `${Math.min(event.offsetX + 12, this.width - 180)}px`;
			this.tip.style.top = `${event.offsetY + 12}px`;
		});
		this.canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
	}

	close() { this.observer.disconnect(); this.scheme.removeEventListener("change", this.onScheme); }

	async load(x, y, where, signal) {
		const key = JSON.stringify([x.name, y.name, where]);
		if (key === this.key) return this.draw();
		Object.assign(this, { x, y, key, rows: [] });
		let total = Infinity;
		for (let offset = 0; offset < Math.min(total, 10000); offset += 500) {
			let answer;
			try {
				answer = await get("tomograms", { where, columns: ["dataset", "name", ...new Set([x.name, y.name])].join(","), offset, limit: 500 }, signal);
			} catch (error) { this.key = null; throw error; }
			total = answer.total;
			this.rows.push(...answer.rows.filter((row) => Number.isFinite(row[x.name]) && Number.isFinite(row[y.name])));
			if (offset === 0 || offset % 2500 === 0) this.draw();
		}
		this.note.textContent = `${count(this.rows.length)} of ${count(total)}${total > 10000 ? ", the first 10 000" : ""}`;
		this.draw();
	}

	value([px, py]) {
		const { left, right, top, bottom, x0, x1, y0, y1 } = this.frame;
		return [x0 + (clamp((px - left) / (right - left), 0, 1)) * (x1 - x0), y0 + (1 - clamp((py - top) / (bottom - top), 0, 1)) * (y1 - y0)];
	}

	place(row) {
		const { left, right, top, bottom, x0, x1, y0, y1 } = this.frame;
		return [left + ((row[this.x.name] - x0) / (x1 - x0)) * (right - left), bottom - ((row[this.y.name] - y0) / (y1 - y0)) * (bottom - top)];
	}

	nearest(px, py) {
		if (!this.frame) return null;
		let best = null;
		for (const row of this.rows) {
			const [x, y] = this.place(row);
			const distance = Math.hypot(x - px, y - py);
			if (distance < 7 && (!best || distance < best.distance)) best = { row, distance };
		}
		return best?.row ?? null;
	}

	draw() {
		const { canvas, rows } = this;
		if (!this.x) return;
		const box = canvas.parentElement.getBoundingClientRect();
		const ratio = devicePixelRatio || 1;
		[this.width, this.height] = [Math.max(60, box.width), Math.max(60, box.height)];
		canvas.width = this.width * ratio;
		canvas.height = this.height * ratio;
		const context = canvas.getContext("2d");
		context.scale(ratio, ratio);
		context.clearRect(0, 0, this.width, this.height);
		const range = (name) => {
			let [low, high] = [Infinity, -Infinity];
			for (const row of rows) { low = Math.min(low, row[name]); high = Math.max(high, row[name]); }
			if (!(high >= low)) return [0, 1];
			const margin = (high - low || Math.abs(high) || 1) * 0.04;
			return [low - margin, high + margin];
		};
		const [x0, x1] = range(this.x.name);
		const [y0, y1] = range(this.y.name);
		this.frame = { left: 52, right: this.width - 18, top: 8, bottom: this.height - 34, x0, x1, y0, y1 };
		const { left, right, top, bottom } = this.frame;
		context.font = "11px system-ui, sans-serif";
		context.strokeStyle = color("--line");
		context.fillStyle = color("--faint");
		context.lineWidth = 1;
		context.textAlign = "center";
		for (const value of ticks(x0, x1, Math.max(2, Math.floor((right - left) / 90)))) {
			const x = Math.round(left + ((value - x0) / (x1 - x0)) * (right - left)) + 0.5;
			context.beginPath(); context.moveTo(x, top); context.lineTo(x, bottom); context.stroke();
			context.fillText(number(value, 3), x, bottom + 14);
		}
		context.textAlign = "right";
		for (const value of ticks(y0, y1, Math.max(2, Math.floor((bottom - top) / 50)))) {
			const y = Math.round(bottom - ((value - y0) / (y1 - y0)) * (bottom - top)) + 0.5;
			context.beginPath(); context.moveTo(left, y); context.lineTo(right, y); context.stroke();
			context.fillText(number(value, 3), left - 6, y + 4);
		}
		const title = (column) => `${column.name}${column.unit ? ` (${column.unit})` : ""}`;
		context.fillText(title(this.x), right, this.height - 4);
		context.save();
		context.translate(11, top);
		context.rotate(-Math.PI / 2);
		context.fillText(title(this.y), 0, 0);
		context.restore();
		// A dataset keeps its colour while the filter changes.
		for (const row of rows) if (!this.datasets.includes(row.dataset)) this.datasets.push(row.dataset);
		const { datasets } = this;
		const [fx, fy] = [filters.facets.get(this.x.name), filters.facets.get(this.y.name)];
		const isIn = (row) => (!fx || (row[this.x.name] >= fx.low && row[this.x.name] <= fx.high)) && (!fy || (row[this.y.name] >= fy.low && row[this.y.name] <= fy.high));
		const size = rows.length > 2000 ? 1.6 : rows.length > 300 ? 2.4 : 3.2;
		for (const row of rows) {
			const [x, y] = this.place(row);
			context.globalAlpha = isIn(row) ? 0.75 : 0.12;
			context.fillStyle = palette[datasets.indexOf(row.dataset) % palette.length];
			context.beginPath();
			context.arc(x, y, size, 0, 2 * Math.PI);
			context.fill();
		}
		context.globalAlpha = 1;
		const corner = (a, b) => [left + ((a - x0) / (x1 - x0)) * (right - left), bottom - ((b - y0) / (y1 - y0)) * (bottom - top)];
		const brush = this.brush ?? (fx || fy ? [corner(fx?.low ?? x0, fy?.high ?? y1), corner(fx?.high ?? x1, fy?.low ?? y0)] : null);
		if (brush) {
			const [[a, b], [c, d]] = brush;
			context.fillStyle = color("--accent");
			context.globalAlpha = 0.1;
			context.fillRect(Math.min(a, c), Math.min(b, d), Math.abs(c - a), Math.abs(d - b));
			context.globalAlpha = 1;
			context.strokeStyle = color("--accent");
			context.strokeRect(Math.min(a, c), Math.min(b, d), Math.abs(c - a), Math.abs(d - b));
		}
		canvas.setAttribute("aria-label", `${this.y.name} against ${this.x.name}, ${rows.length} tomograms. Drag a rectangle to filter by both; the facets of the collection do the same by keys.`);
		fill(this.legend, datasets.length > 1 ? datasets.slice(0, 14).map((name, index) => h("span", swatch(palette[index % palette.length]), name)) : null);
	}
}

/** Round numbers within a range, about as many as asked for. */
export function ticks(low, high, wanted) {
	const rough = (high - low) / wanted;
	if (!(rough > 0)) return [];
	const power = 10 ** Math.floor(Math.log10(rough));
	const step = [1, 2, 5, 10].map((value) => value * power).find((value) => value >= rough);
	const result = [];
	for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) result.push(Math.abs(value) < step * 1e-6 ? 0 : value);
	return result;
}

const objectColumns = ["volume_nm3", "diameter_nm", "surface_nm2", "elongation", "density_mean", "membrane_distance", "confidence", "uncertainty", "radius"];
const kinds = { histogram: ["column", "metric", "by", "bins", "log"], box: ["column", "metric", "by", "log"], scatter: ["x", "y", "by", "log"], "precision-recall": [], runs: ["metric"], curves: ["training-set"] };

/** The plots of `cellar plot`, drawn by the server. */
function figureCard(all) {
	const metrics = [...new Set(all.filter((column) => column.group === "metric").map((column) => column.name.slice(column.name.indexOf("/") + 1)))];
	const state = { kind: "histogram", column: "diameter_nm", ...memory.get("figure", {}) };
	const fields = h("div.figurefields");
	const picture = h("div.paper", faint("Draw a plot of objects, metrics, evaluations or runs, as `cellar plot` does."));
	const download = h("a.button", { hidden: true, download: "plot.svg" }, "SVG");
	let url = null;
	const suggestions = h("datalist", { id: "quantities" }, [...objectColumns, ...metrics].map((name) => h("option", { value: name })));
	const field = (name, placeholder) => h("label", h("span", name), h("input", { type: "text", spellcheck: "false", list: ["column", "metric", "x", "y"].includes(name) ? "quantities" : null, value: state[name] ?? "", placeholder: placeholder ?? "", onchange: (event) => { state[name] = event.target.value.trim(); }, onkeydown: (event) => { if (event.key === "Enter") { state[name] = event.target.value.trim(); draw(); } } }));
	const drawFields = () => fill(fields, kinds[state.kind].map((name) => name === "log" ? tick(state.log === "1", (isOn) => { state.log = isOn ? "1" : ""; }, "log") : field(name)), state.kind === "curves" ? null : field("where", "SQL"));
	async function draw() {
		memory.set("figure", state);
		const wanted = { kind: state.kind, where: state.kind === "curves" ? "" : state.where };
		for (const name of kinds[state.kind]) wanted[name] = state[name];
		if (wanted.column && wanted.metric) delete wanted.column;
		fill(picture, h("p.waiting", "…"));
		try {
			const svg = await text("plot", wanted);
			if (url) URL.revokeObjectURL(url);
			url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
			fill(picture, h("img", { src: url, alt: `${state.kind} of ${wanted.metric || wanted.column || [wanted.x, wanted.y].filter(Boolean).join(" and ") || "the catalog"}` }));
			download.href = url;
			download.hidden = false;
		} catch (error) { fill(picture, h("p.error", { role: "alert" }, error.message)); download.hidden = true; }
	}
	drawFields();
	return h("section.card.figures", bar(h("h2", "Figures"), choice("Kind", Object.keys(kinds), state.kind, (kind) => { state.kind = kind; drawFields(); }), grow(), download, button("Draw", "Draw the plot", draw, { class: "primary" })), suggestions, fields, picture);
}
