// The collection: filter, facets, and the table of tomograms.

import { columns as allColumns } from "./api.js";
import { remember } from "./app.js";
import { append, button, count, dialog, fill, h, memory, number, tick } from "./dom.js";
import { FacetPanel } from "./facets.js";
import { facetText, filters } from "./filters.js";
import { TomogramTable, usualMetrics } from "./table.js";

/** Where the user is in the list, for "next" and "previous" on the page of a tomogram. */
export const listing = { where: "", sort: "", descending: false, total: 0, top: null };

const usual = ["dataset", "voxel_size", "size_z", "thickness_nm", "density_std", "slabs", "annotations"];

// Asked for while the page opens.
allColumns().catch(() => {});

/** The columns that this browser chose, or usual ones and the first metrics. */
export function chosenColumns(all) {
	const names = memory.get("columns", null) ?? [...usual, ...usualMetrics(all, 3)];
	const known = new Map(all.map((column) => [column.name, column]));
	return names.map((name) => known.get(name)).filter(Boolean);
}

/** The line of SQL, with chips of facets, which stands above tables. */
export class FilterLine {
	constructor() {
		this.input = h("input", { type: "text", id: "where", spellcheck: "false", autocomplete: "off", "aria-label": "Filter: an SQL expression over v_tomogram",
			"aria-describedby": "where-note", placeholder: "SQL, such as  voxel_size < 10 AND slabs = 0", value: filters.text,
			onkeydown: (event) => { if (event.key === "Enter") filters.setText(this.input.value); if (event.key === "Escape") { this.input.value = filters.text; this.input.blur(); } },
			onchange: () => filters.setText(this.input.value) });
		this.note = h("span.note", { id: "where-note", "aria-live": "polite" });
		this.chips = h("div.chips");
		this.element = h("div.filterline", h("label.where", h("span.sqlword", { "aria-hidden": "true" }, "WHERE"), this.input), this.note, this.chips);
		this.draw();
	}

	draw() {
		if (document.activeElement !== this.input || !this.input.value) this.input.value = filters.text;
		fill(this.chips, [...filters.facets].map(([column, facet]) =>
			h("button.chip", { title: `Remove ${column}`, onclick: () => filters.setFacet(column, null) }, facetText(column, facet, (value) => number(value, 3)), " ×")),
			filters.text || filters.facets.size ? h("button.chip.quiet", { onclick: () => { this.input.value = ""; filters.clear(); } }, "clear all") : null);
	}

	say(sentence, isError = false) {
		this.note.textContent = sentence;
		this.note.classList.toggle("error", isError);
		this.element.classList.toggle("wrong", isError);
	}
}

export function openTomogram(row, position) {
	location.hash = `#/t/${row.id}?at=${position}`;
}

export async function open(main, { parameters, events }) {
	const all = await allColumns();
	let query = { sort: parameters.get("sort") ?? "", descending: parameters.get("descending") === "1" };
	filters.read(parameters);
	let shown = chosenColumns(all);

	const line = new FilterLine();
	const table = new TomogramTable({
		open: openTomogram,
		sort: (column) => {
			query = { sort: column, descending: query.sort === column ? !query.descending : false };
			show();
		},
		loaded: (total, milliseconds) => {
			listing.total = total;
			line.say(`${count(total)} tomogram${total === 1 ? "" : "s"}`);
			line.note.title = `${Math.round(milliseconds)} ms`;
			empty.hidden = total > 0;
			emptyText.textContent = filters.where() ? "No tomogram is left by the filter." : "There is no tomogram yet; `cellar add PATH --dataset NAME` adds some.";
			if (listing.top?.key === table.key && total > 0) table.element.scrollTop = listing.top.place;
			listing.top = null;
			facets.start();
		},
		failed: (error) => { line.say(error.message, true); facets.start(); },
	});
	const facets = new FacetPanel(all);
	const emptyText = h("p");
	const empty = h("div.empty", { hidden: true }, emptyText, button("Clear the filter", "Clear the filter", () => { line.input.value = ""; filters.clear(); }));
	const side = h("details.facets", { open: innerWidth > 900 }, h("summary", "Facets"), facets.element);

	append(main, [h("h1.offscreen", "Collection"), h("div.toolbar", line.element,
		button("Columns", "Choose columns", chooseColumns, { icon: "columns" })), h("div.split", side, h("div.tablebox", table.element, empty))]);

	function show() {
		const where = filters.where();
		Object.assign(listing, query, { where });
		const address = new URLSearchParams();
		filters.write(address);
		if (query.sort) address.set("sort", query.sort);
		if (query.descending) address.set("descending", 1);
		remember("", address);
		table.show({ ...query, where }, shown);
	}

	function chooseColumns() {
		const names = new Set(shown.map((column) => column.name));
		const list = (group) => all.filter((column) => column.group === group && column.name !== "name" && column.name !== "id").map((column) =>
			tick(names.has(column.name), (isOn) => {
				isOn ? names.add(column.name) : names.delete(column.name);
				const order = [...shown.map((entry) => entry.name).filter((name) => names.has(name))];
				for (const name of names) if (!order.includes(name)) order.push(name);
				memory.set("columns", order);
				shown = chosenColumns(all);
				show();
			}, h("span", column.name, column.unit ? h("span.unit", ` ${column.unit}`) : null), h("small", column.meaning)));
		const metrics = list("metric");
		dialog("Columns", h("p", button("Usual columns", "Usual columns", (event) => {
			memory.set("columns", null);
			shown = chosenColumns(all);
			show();
			event.target.closest("dialog").close();
		})), h("h3", "Tomogram"), h("div.checks", list("tomogram")), metrics.length ? [h("h3", "Metrics"), h("div.checks", metrics)] : null);
	}

	const stopFilters = filters.listen(() => { line.draw(); show(); });
	const onEvent = (kind) => { if (kind === "catalog") { table.reload(); facets.reload(); } };
	events.listeners.add(onEvent);
	show();
	return {
		onKey(event) {
			if (event.key === "/") { line.input.focus(); line.input.select(); return true; }
			return !event.target.closest("button, a, summary") && table.onKey(event);
		},
		close() {
			listing.top = { key: table.key, place: table.element.scrollTop };
			stopFilters();
			events.listeners.delete(onEvent);
			table.close();
			facets.close();
		},
	};
}
