// The side panel's tables: objects to jump to, steps with why they would run, and what is known of the tomogram.

import { get, rowsOf } from "./api.js";
import { bar, button, choice, complain, copy, count, dialog, faint, fill, grow, h, number, part, swatch } from "./dom.js";
import { classColor } from "./palette.js";

/** The objects of a tomogram, some hundred at a time; a click goes to the slice. */
export class ObjectTable {
	constructor(page) {
		this.page = page;
		Object.assign(this, { class: "", sort: "", isDescending: true, rows: [], total: 0 });
		this.body = h("div.objects", { tabindex: 0, role: "region", "aria-label": "Objects", onscroll: () => {
			if (this.body.scrollTop + this.body.clientHeight > this.body.scrollHeight - 300) this.more();
		} });
		this.note = h("span.note");
		this.choices = h("span");
		this.element = h("div.objectpanel", h("div.bar.panelpart", this.choices, grow(), this.note), this.body);
	}

	open() { if (!this.isOpen) { this.isOpen = true; this.reload(); } }

	reload() {
		fill(this.choices, choice("Class", [["", "all classes"], ...this.page.classes.map((name) => [name, name])], this.class, (name) => { this.class = name; this.reload(); }));
		[this.rows, this.total] = [[], Infinity];
		this.turn = (this.turn ?? 0) + 1;
		this.isBusy = false;
		this.more();
	}

	async more() {
		if (this.isBusy || this.rows.length >= this.total) return;
		this.isBusy = true;
		const turn = this.turn;
		try {
			const answer = await get(`tomograms/${this.page.id}/objects`, { class: this.class, sort: this.sort, descending: this.sort ? Number(this.isDescending) : "", offset: this.rows.length, limit: 200 }, this.page.signal);
			if (turn !== this.turn) return;
			this.total = answer.rows.length ? answer.total : this.rows.length;
			this.rows.push(...answer.rows);
			this.note.textContent = `${count(answer.total)} object${answer.total === 1 ? "" : "s"}`;
			this.draw(this.rows.length - answer.rows.length);
		} catch (error) { complain(error); this.total = this.rows.length; } finally { if (turn === this.turn) this.isBusy = false; }
	}

	draw(from) {
		const shown = [["class", "class"], ["number", "#"], ["diameter_nm", "⌀ nm"], ["volume_nm3", "nm³"], ["confidence", "conf."], ["z", "slice"]];
		if (from === 0) {
			if (this.rows.length === 0) return fill(this.body, faint("No object was found here, or `cellar run` has not looked yet."));
			this.list = h("tbody");
			fill(this.body, h("table.plain", h("thead", h("tr", shown.map(([name, title]) =>
				h("th", { scope: "col", class: name === "class" ? "" : "num", "aria-sort": this.sort === name ? this.isDescending ? "descending" : "ascending" : null }, h("button", { onclick: () => {
					this.isDescending = this.sort === name ? !this.isDescending : name !== "class" && name !== "z";
					this.sort = name;
					this.reload();
				} }, title, this.sort === name ? this.isDescending ? " ↓" : " ↑" : ""))))), this.list));
		}
		const [sx, sy, sz] = this.page.voxelSize ?? [1, 1, 1];
		for (const row of this.rows.slice(from)) {
			const place = { x: row.x / sx, y: row.y / sy, z: row.z / sz };
			const go = () => {
				for (const other of this.list.children) other.classList.remove("active");
				line.classList.add("active");
				this.page.goTo(place, true);
			};
			const line = h("tr", { tabindex: 0, onclick: go, onkeydown: (event) => {
				if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); go(); }
				const next = event.key === "ArrowDown" ? line.nextSibling : event.key === "ArrowUp" ? line.previousSibling : null;
				if (next) { event.preventDefault(); event.stopPropagation(); next.focus(); }
			} }, shown.map(([name]) => name === "class" ? h("td", swatch(classColor(row.class, this.page.classes)), row.class) :
				h("td.num", name === "z" ? Math.round(place.z) : number(row[name], 3))));
			this.list.append(line);
		}
	}
}

/** Steps with their state; a click says why. What is open stays open when the page is drawn anew, as it is when the catalog changes. */
export function stepTable(page, steps) {
	const list = h("div.steps");
	const open = page.explained ??= new Set();
	const why = async (step, place, toggle) => {
		if (place.firstChild) { open.delete(step); toggle.setAttribute("aria-expanded", "false"); return fill(place); }
		open.add(step);
		toggle.setAttribute("aria-expanded", "true");
		fill(place, "…");
		try {
			fill(place, explanation(await get(`tomograms/${page.id}/why`, { step }, page.signal), step));
		} catch (error) { fill(place, h("p.error", error.message)); }
	};
	for (const step of steps) {
		const place = h("div.why");
		const toggle = h("button.stepname", { "aria-expanded": "false", title: `Why is ${step.step} ${step.state}?`, onclick: () => why(step.step, place, toggle) },
			h("span", { class: `dot ${step.state}`, "aria-hidden": "true" }), h("b", step.step), grow(), step.count > 1 ? h("span.faint", `${count(step.count)} ${step.scope}s`) : null, h("span", { class: `state ${step.state}` }, step.state));
		list.append(h("div.step", toggle, step.reason ? h("p.reason", step.reason) : null, place));
		if (open.has(step.step)) why(step.step, place, toggle);
	}
	return steps.length ? list : faint("There is no step yet.");
}

/** What `why` answers: groups of items with a state and reasons. */
function explanation(answer, step) {
	const all = answer.groups ?? rowsOf(answer);
	const own = all.filter((group) => group.step === step);
	if (!all.length) return h("pre", JSON.stringify(answer, null, 1));
	return h("ul", (own.length ? own : all).map((group) => {
		const items = [group.items ?? group.item ?? []].flat().filter(Boolean);
		const reasons = [group.reasons ?? group.reason ?? []].flat().filter(Boolean);
		return h("li", h("span", { class: `state ${group.state}` }, group.state), own.length ? "" : ` ${group.step}`, items.length ? h("span.faint", ` ${group.summary ?? items.join(", ")}`) : null, reasons.length ? h("div", reasons.join("; ")) : null);
	}));
}

/** Everything that is known of the tomogram. */
export function aboutPanel(answer) {
	const { tomogram, shape, voxelSize, evidence = [], annotations = [] } = answer;
	let meta = {};
	try { meta = typeof tomogram.meta === "string" ? JSON.parse(tomogram.meta) : tomogram.meta ?? {}; } catch { /* shown as it is not */ }
	const facts = (entries) => h("dl.facts", entries.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => [h("dt", name), h("dd", value)]));
	const unit = (value, name) => (typeof value === "number" ? number(value, 3) + name : null);
	const size = voxelSize && [voxelSize[0] * shape.x, voxelSize[1] * shape.y, voxelSize[2] * shape.z].map((edge) => number(edge / 10, 3)).join(" × ");
	return [part(h("h3", "Tomogram"), facts([["dataset", tomogram.dataset], ["voxels", `${shape.x} × ${shape.y} × ${shape.z}`], ["size", size ? `${size} nm` : null],
		["format", [tomogram.format, tomogram.scalar_type].filter(Boolean).join(", ")], ["thickness", unit(tomogram.thickness_nm, " nm")],
		["tilt", unit(tomogram.tilt_degrees, "°")],
		["density", typeof tomogram.density_mean === "number" ? `${number(tomogram.density_mean)} ± ${number(tomogram.density_std)}` : null], ["file", tomogram.path ? h("span.path", tomogram.path, tomogram.member ? ` › ${tomogram.member}` : "") : null], ["added", tomogram.added_at]])),
	part(h("h3", "Voxel size"), h("p", voxelSize ? [h("b", `${[...new Set(voxelSize)].map((edge) => number(edge)).join(" × ")} Å`), tomogram.voxel_size_source ? ` from ${tomogram.voxel_size_source}` : ""] : "Nobody says how large a voxel is; lengths are in voxels."),
		evidence.length ? h("table.plain", h("tbody", evidence.map((entry) => {
			const value = Array.isArray(entry.value) ? entry.value[0] : entry.value;
			const differs = voxelSize && typeof value === "number" && Math.abs(value - voxelSize[0]) > 0.01 * voxelSize[0];
			return h("tr", h("td", entry.source), h("td.num", typeof value === "number" ? `${number(value)} Å` : String(value ?? "–")), h("td", differs ? h("span.state.stale", "differs") : ""));
		}))) : null),
	Object.keys(meta).length ? part(h("h3", "Metadata"), facts(Object.entries(meta).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]))) : null,
	annotations.length ? part(h("h3", "Annotations"), h("ul.plainlist", annotations.map((entry) => h("li", h("b", [entry.classes].flat().join(", ")), ` ${entry.kind}`, entry.author ? h("span.faint", ` by ${entry.author}`) : null)))) : null];
}

/** Addresses of a tomogram for napari, neuroglancer and Python, each to be copied. */
export async function shareDialog(url, page) {
	const source = `zarr://${url}`;
	const { name } = page.answer.tomogram;
	const range = [page.contrast.low, page.contrast.high].map((byte) => page.shown ? page.shown.low + (byte / 255) * (page.shown.high - page.shown.low) : byte);
	if (page.contrast.isInverted) range.reverse();
	const { labels } = await (await fetch(`${url}/labels/.zattrs`)).json();
	const view = JSON.stringify({ layers: [{ type: "image", source, name, shaderControls: { normalized: { range } } }, ...labels.map((id, place) => {
		const layer = page.answer.layers.find((other) => other.id === id);
		return { type: "segmentation", source: `${source}/labels/${id}`, name: layer?.label ?? id, visible: place === 0,
			segmentColors: Object.fromEntries((layer?.values ?? []).map((entry) => [entry.value, classColor(entry.name, page.classes)])) };
	})], layout: "4panel", ...(page.voxelSize && { dimensions: Object.fromEntries(page.voxelSize.map((size, axis) => ["xyz"[axis], [size * 1e-10, "m"]])) }) });
	const line = (title, text, about) => h("section.shareline", bar(h("h3", title), grow(), button("Copy", `Copy for ${title}`, () => copy(text, `for ${title}`), { icon: "copy" })), h("code", text), about ? faint(about) : null);
	dialog("Open in neuroglancer or another program",
		line("neuroglancer", source, "Paste it as the source of a new layer."),
		line("neuroglancer, as a state", view, "Paste it with the key { (edit JSON state)."),
		line("napari", url, "napari → File → Open, or `napari --plugin napari-ome-zarr ADDRESS`."),
		line("Python", `import zarr; volume = zarr.open("${url}", mode="r")["0"]`),
		faint("The address holds the token of this server: whoever has it on this machine can read the catalog until the server ends. ",
			h("a", { href: `https://neuroglancer-demo.appspot.com/#!${encodeURIComponent(view)}`, target: "_blank", rel: "noreferrer noopener" }, "Open neuroglancer's public page with it"), " (its scripts come from the network; the data stay between this browser and your server)."));
}
