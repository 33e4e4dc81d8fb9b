// The table of tomograms. Only rows that can be seen are asked for, in blocks, and only they are in the page.

import { get } from "./api.js";
import { clamp, complain, debounce, h, number, setStyle } from "./dom.js";

/** A column as headings have room for it: a metric without its step. */
export const shortName = ({ name }) => name.slice(name.indexOf("/") + 1);

/** The first metrics that people look for: how many objects there are of each class. */
export const usualMetrics = (all, most) => all.map((column) => column.name).filter((name) => name.endsWith("/objects")).slice(0, most);

const blockSize = 100;
const keptBlocks = 40;

/**
 * Makes a table.
 * @param options `columns` (as the server names them), `open(row, position)` and `sort(column)` as functions, `rowHeight` in pixels
 */
export class TomogramTable {
	constructor({ open, sort, loaded, failed, rowHeight = 44 }) {
		Object.assign(this, { onOpen: open, onSort: sort, onLoaded: loaded, onFailed: failed, rowHeight });
		this.columns = [];
		this.query = { where: "", sort: "", descending: false };
		this.blocks = new Map();
		this.pending = new Map();
		this.rows = new Map();
		this.total = 0;
		this.active = -1;
		this.head = h("div.thead", { role: "row" });
		this.space = h("div.space");
		this.scroller = h("div.tscroll", { role: "grid", tabindex: 0, "aria-label": "Tomograms" },
			h("div.theadgroup", { role: "rowgroup" }, this.head), h("div.tbody", { role: "rowgroup" }, this.space));
		this.element = this.scroller;
		this.scroller.addEventListener("scroll", () => this.schedule());
		this.showThumbnails = debounce(() => this.thumbnails(), 90);
		this.observer = new ResizeObserver(() => this.schedule());
		this.observer.observe(this.scroller);
	}

	close() {
		this.observer.disconnect();
		for (const controller of this.pending.values()) controller.abort();
		this.pending.clear();
	}

	/** Shows other rows or columns. */
	show(query, columns) {
		const key = JSON.stringify([query, columns.map((column) => column.name)]);
		if (key === this.key) return;
		this.key = key;
		this.query = query;
		this.columns = columns;
		this.stale = true;
		this.drawHead();
		this.reload(true);
	}

	/** Asks for everything anew; what is shown stays until the answer is there. */
	reload(fromTop = false) {
		for (const controller of this.pending.values()) controller.abort();
		this.pending.clear();
		this.blocks.clear();
		if (fromTop) { this.scroller.scrollTop = 0; this.active = -1; }
		this.started = performance.now();
		this.load(Math.floor(this.first() / blockSize));
	}

	first() { return Math.max(0, Math.floor(this.scroller.scrollTop / this.rowHeight)); }
	visibleCount() { return Math.min(200, Math.ceil(this.scroller.clientHeight / this.rowHeight) + 1); }

	async load(block) {
		if (this.blocks.has(block) || this.pending.has(block)) return;
		const controller = new AbortController();
		this.pending.set(block, controller);
		const key = this.key;
		try {
			const answer = await get("tomograms", {
				where: this.query.where, sort: this.query.sort, descending: this.query.sort ? Number(this.query.descending) : "",
				offset: block * blockSize, limit: blockSize, columns: ["name", ...this.columns.map((column) => column.name)].join(","),
			}, controller.signal);
			if (key !== this.key) return;
			this.blocks.set(block, answer.rows);
			while (this.blocks.size > keptBlocks) this.blocks.delete(this.blocks.keys().next().value);
			if (this.stale || answer.total !== this.total) this.clear();
			this.stale = false;
			this.total = answer.total;
			this.scroller.setAttribute("aria-rowcount", answer.total + 1);
			setStyle(this.space, { height: `${answer.total * this.rowHeight}px` });
			this.onLoaded?.(answer.total, performance.now() - this.started);
			this.draw(true);
		} catch (error) {
			if (error.name === "AbortError" || key !== this.key) return;
			this.onFailed ? this.onFailed(error) : complain(error);
		} finally {
			if (this.pending.get(block) === controller) this.pending.delete(block);
		}
	}

	clear() {
		for (const row of this.rows.values()) row.remove();
		this.rows.clear();
	}

	schedule() {
		if (this.frame) return;
		this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
	}

	drawHead() {
		const leasts = [48, 130, ...this.columns.map((column) => column.type === "text" ? 110 : clamp(7 * (shortName(column).length + (column.unit?.length ?? 0)) + 26, 70, 160))];
		const widths = leasts.map((width, place) => (place === 0 ? `${width}px` : `minmax(${width}px, ${width}fr)`));
		const least = leasts.reduce((sum, width) => sum + width, 8 * widths.length + 12);
		setStyle(this.scroller, { "--cols": widths.join(" "), "--least": `${least}px` });
		const cell = (name, text, unit, isNumber, meaning) => {
			const isSorted = this.query.sort === name;
			return h("div", { role: "columnheader", class: isNumber ? "num" : "", "aria-sort": isSorted ? this.query.descending ? "descending" : "ascending" : null },
				h("button", { title: meaning ?? text, onclick: () => this.onSort?.(name) }, h("span.name", text),
					unit ? h("span.unit", unit) : null, h("span.arrow", { "aria-hidden": "true" }, isSorted ? this.query.descending ? "↓" : "↑" : "")));
		};
		this.head.replaceChildren(h("div", { role: "columnheader", "aria-label": "Picture" }), cell("name", "name"),
			...this.columns.map((column) => cell(column.name, shortName(column), column.unit, column.type !== "text", `${column.name}: ${column.meaning}`)));
		this.head.setAttribute("aria-rowindex", 1);
	}

	draw(force = false) {
		const first = Math.max(0, this.first() - 4);
		const end = Math.min(this.total, this.first() + this.visibleCount() + 4);
		const blocks = new Set();
		for (let index = first; index < end; index += 1) blocks.add(Math.floor(index / blockSize));
		if (this.total > 0) {
			for (const [block, controller] of this.pending) if (!blocks.has(block)) { controller.abort(); this.pending.delete(block); }
			for (const block of blocks) this.load(block);
		}
		for (const [index, row] of this.rows) {
			if (index < first || index >= end || (force && row.dataset.empty)) { row.remove(); this.rows.delete(index); }
		}
		for (let index = first; index < end; index += 1) {
			if (this.rows.has(index)) continue;
			const data = this.blocks.get(Math.floor(index / blockSize))?.[index % blockSize];
			const row = this.row(index, data);
			this.rows.set(index, row);
			this.space.append(row);
		}
		this.showThumbnails();
	}

	row(index, data) {
		const properties = {
			role: "row", class: `trow${index === this.active ? " active" : ""}`, id: `row-${index}`, "aria-rowindex": index + 2,
			"data-empty": data ? null : 1, style: { transform: `translateY(${index * this.rowHeight}px)` },
		};
		if (!data) return h("div", properties, h("div", { role: "gridcell" }), h("div.ghost", { role: "gridcell" }));
		return h("div", { ...properties, onclick: (event) => { if (!event.target.closest("a")) this.onOpen(data, index); } },
			h("div.thumb", { role: "gridcell" }, h("span", { "data-id": data.id })),
			h("div.title", { role: "gridcell" }, h("a", { href: `#/t/${data.id}`, tabindex: -1, onclick: (event) => {
				if (!event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); this.onOpen(data, index); }
			} }, data.name)),
			this.columns.map((column) => {
				const value = data[column.name];
				return h("div", { role: "gridcell", class: column.type === "text" ? "" : "num", title: typeof value === "string" ? value : null },
					value === null || value === undefined ? h("span.none", "–") : number(value));
			}));
	}

	/** Pictures come when scrolling rests, so that a fast scroll asks for none. */
	thumbnails() {
		for (const row of this.rows.values()) {
			const place = row.querySelector("[data-id]");
			if (!place || place.firstChild) continue;
			const image = h("img", { alt: "", width: 40, height: 40, decoding: "async", src: `/api/v1/tomograms/${place.dataset.id}/thumbnail`,
				onerror: () => image.remove() });
			place.append(image);
		}
	}

	activate(index) {
		if (this.total === 0) return;
		this.rows.get(this.active)?.classList.remove("active");
		this.active = clamp(index, 0, this.total - 1);
		const top = this.active * this.rowHeight;
		const view = this.scroller.clientHeight - this.head.offsetHeight;
		if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
		else if (top + this.rowHeight > this.scroller.scrollTop + view) this.scroller.scrollTop = top + this.rowHeight - view;
		this.draw();
		this.rows.get(this.active)?.classList.add("active");
		this.scroller.setAttribute("aria-activedescendant", `row-${this.active}`);
	}

	/** Walks through rows; returns whether the key meant that. */
	onKey(event) {
		const page = this.visibleCount() - 2;
		const goal = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + page, PageUp: this.active - page, Home: 0, End: this.total - 1 }[event.key];
		if (goal !== undefined) this.activate(Math.max(0, goal));
		else if (event.key === "Enter" && this.active >= 0) {
			const data = this.blocks.get(Math.floor(this.active / blockSize))?.[this.active % blockSize];
			if (data) this.onOpen(data, this.active);
		} else return false;
		return true;
	}
}
