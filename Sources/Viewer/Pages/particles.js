// Particles one by one: go through them, accept, reject, add, accept all above a score. Every change can be taken back.

import { get, post, remove } from "./api.js";
import { brushedHistogram } from "./facets.js";
import { bar, button, choice, complain, count, faint, fill, h, memory, number, part, plural, swatch, tick, toast } from "./dom.js";
import { classColor } from "./palette.js";
import { showSimilar } from "./similar.js";

export class Particles {
	/** @param page the page of the tomogram: `id`, `classes`, `isReadOnly`, `layers`, `goTo(point)`, `redraw()`, `changes` */
	constructor(page) {
		this.page = page;
		this.byLayer = new Map();
		this.loading = new Map();
		this.chosen = null;
		this.isAdding = false;
		this.hidesRejected = false;
		this.hasScores = false;
		this.goesOn = memory.get("goesOn", true);
		this.class = null;
		this.element = h("div.particles");
		this.draw();
	}

	get all() { return this.page.layers.filter((entry) => entry.layer.kind === "points" && entry.on).flatMap((entry) => this.byLayer.get(entry.layer.id) ?? []); }
	get classNames() { return [...new Set([...this.all.map((point) => point.class), ...this.page.classes])]; }
	ofClass() { return this.all.filter((point) => point.class === this.class); }

	/** Asks for points of layers that are shown. */
	load(isAnew = false) {
		if (isAnew) { this.byLayer.clear(); this.loading.clear(); }
		for (const entry of this.page.layers) {
			const { id, kind } = entry.layer;
			if (kind !== "points" || !entry.on || this.byLayer.has(id) || this.loading.has(id)) continue;
			this.loading.set(id, get(`tomograms/${this.page.id}/points`, { layer: id }, this.page.signal).then((answer) => {
				this.byLayer.set(id, answer.points.map((point) => ({ ...point, layer: id, canBeJudged: Boolean(entry.layer.step) })));
				if (this.chosen?.layer === id) this.chosen = this.find(this.chosen);
				this.class ??= answer.points[0]?.class ?? null;
				this.draw();
				this.page.redraw();
			}).catch(complain).finally(() => this.loading.delete(id)));
		}
		this.draw();
	}

	find(old) { return this.all.find((point) => point.class === old.class && Math.abs(point.x - old.x) + Math.abs(point.y - old.y) + Math.abs(point.z - old.z) < 0.01) ?? null; }

	choose(point, isMoved = true) {
		this.chosen = point;
		if (point) { this.class = point.class; if (isMoved) this.page.goTo(point, true); }
		this.draw();
		this.page.redraw();
	}

	/** The next particle of the class, in the order of slices; those that nobody has judged first. */
	step(direction) {
		const points = this.ofClass().filter((point) => !point.state || point === this.chosen).sort((a, b) => a.z - b.z || a.y - b.y || a.x - b.x);
		const list = points.some((point) => !point.state) ? points : this.ofClass().sort((a, b) => a.z - b.z || a.y - b.y || a.x - b.x);
		if (list.length === 0) return;
		const place = list.indexOf(this.chosen);
		this.choose(list[place < 0 ? (direction > 0 ? 0 : list.length - 1) : (place + direction + list.length) % list.length]);
	}

	async judge(verdict) {
		const point = this.chosen;
		if (!point) return toast("Choose a particle first: click on its circle, or press n.");
		if (this.page.changes.refuses()) return;
		const before = point.state;
		point.state = verdict;
		this.page.redraw();
		this.draw();
		try {
			const { id } = await post("curation", { tomogram: this.page.id, class: point.class, x: point.x, y: point.y, z: point.z, verdict });
			this.page.changes.push(`${verdict} one ${point.class}`, async () => {
				await remove(`curation/${id}`);
				point.state = before;
				this.choose(point);
			});
			if (this.goesOn && this.chosen === point) this.step(1);
		} catch (error) {
			point.state = before;
			complain(error);
		}
		this.page.redraw();
		this.draw();
	}

	async add(place) {
		if (this.page.changes.refuses()) return;
		const name = this.class ?? this.classNames[0];
		if (!name) return toast("There is no class yet to add a particle to.", { kind: "error" });
		const entry = this.page.layers.find((other) => other.layer.kind === "points" && other.on && other.layer.step) ?? this.page.layers.find((other) => other.layer.kind === "points" && other.on);
		const radii = this.ofClass().map((point) => point.radius).sort((a, b) => a - b);
		const point = { class: name, ...place, radius: radii[Math.floor(radii.length / 2)] ?? 6, score: null, state: "added", layer: entry?.layer.id, canBeJudged: true };
		try {
			const { id } = await post("curation", { tomogram: this.page.id, class: name, ...place, verdict: "added" });
			// As the server names what only people say: a number above 0 is one of the picker's.
			point.id = -id;
			const list = entry ? this.byLayer.get(entry.layer.id) ?? [] : [];
			list.push(point);
			if (entry) this.byLayer.set(entry.layer.id, list);
			this.page.changes.push(`added one ${name}`, async () => {
				await remove(`curation/${id}`);
				const index = list.indexOf(point);
				if (index >= 0) list.splice(index, 1);
				if (this.chosen === point) this.chosen = null;
				this.draw();
				this.page.redraw();
			});
			this.choose(point, false);
		} catch (error) { complain(error); }
	}

	async acceptAbove(score) {
		if (this.page.changes.refuses()) return;
		const points = this.ofClass().filter((point) => !point.state && point.score >= score);
		try {
			const { ids } = await post("curation/accept", { tomogram: this.page.id, class: this.class, score });
			for (const point of points) point.state = "accepted";
			this.page.changes.push(`accepted ${plural(ids.length, this.class)}`, async () => {
				for (const id of ids) await remove(`curation/${id}`);
				for (const point of points) point.state = null;
				this.draw();
				this.page.redraw();
			});
		} catch (error) { complain(error); }
		this.draw();
		this.page.redraw();
	}

	toggleAdding(isAdding = !this.isAdding) {
		if (isAdding && this.page.changes.refuses()) return;
		this.isAdding = isAdding;
		this.page.view.canvas.classList.toggle("adding", isAdding);
		this.draw();
		this.page.redraw();
	}

	draw() {
		const points = this.ofClass();
		const names = this.classNames;
		if (names.length === 0 && this.all.length === 0) {
			return fill(this.element, faint(this.loading.size ? "…" : "There are no particles here, or their layer is off."));
		}
		const tally = (state) => points.filter((point) => (point.state ?? null) === state).length;
		const chosen = this.chosen;
		const voxel = this.page.voxelSize?.[0];
		const scores = points.filter((point) => typeof point.score === "number").map((point) => point.score);
		fill(this.element, part(
			bar(swatch(classColor(this.class ?? "", this.page.classes)),
				choice("Class", names.map((name) => [name, name]), this.class, (name) => { this.class = name; this.draw(); }, { class: "grow" }),
				button("", "Previous particle (p)", () => this.step(-1), { icon: "left" }), button("", "Next particle (n)", () => this.step(1), { icon: "right" })),
			h("p.tally", `${count(points.length)} · `, h("b", count(tally(null))), " not judged · ", h("b", count(tally("accepted"))), " accepted · ",
				h("b", count(tally("rejected"))), " rejected · ", h("b", count(tally("added"))), " added")),
		h("section.panelpart.chosen", chosen ? [
			h("p", h("b", chosen.class), chosen.state ? h("span", { class: `state ${chosen.state}` }, chosen.state) : null),
			h("dl.facts", h("dt", "score"), h("dd", chosen.score === null || chosen.score === undefined ? "–" : number(chosen.score, 3)),
				h("dt", "voxels"), h("dd", ["x", "y", "z"].map((axis) => number(chosen[axis])).join(", ")),
				voxel ? [h("dt", "Å"), h("dd", ["x", "y", "z"].map((axis, index) => number(chosen[axis] * (this.page.voxelSize[index] ?? voxel), 5)).join(", ")),
					h("dt", "diameter"), h("dd", `${number((2 * chosen.radius * voxel) / 10, 3)} nm`)] : null),
			chosen.layer === "particles" && chosen.id > 0 ? bar(button("More like this", "The particles of the collection that are most like it", () => showSimilar(this.page, chosen))) : null,
			this.page.isReadOnly ? null : chosen.canBeJudged ? bar(button("Accept", "Accept this particle (a)", () => this.judge("accepted"), { icon: "check", class: "accept", "aria-pressed": chosen.state === "accepted" }),
				button("Reject", "Reject this particle (r)", () => this.judge("rejected"), { icon: "close", class: "reject", "aria-pressed": chosen.state === "rejected" })) : faint("An annotation; it is not judged."),
		] : faint("Click on a circle, or press n, to choose a particle."),
		this.page.isReadOnly ? null : bar(button(this.isAdding ? "Adding: click in the slice" : "Add by a click", "Add particles of this class by clicks in the slice, or at the cross by Enter (m)", () => this.toggleAdding(), { icon: "plus", "aria-pressed": this.isAdding }))),
		scores.length && !this.page.isReadOnly ? this.acceptance(points, scores) : null,
		part(
			tick(this.hasScores, (isOn) => { this.hasScores = isOn; this.page.redraw(); }, "scores beside circles"),
			tick(this.hidesRejected, (isOn) => { this.hidesRejected = isOn; this.page.redraw(); }, "hide rejected"),
			tick(this.goesOn, (isOn) => { this.goesOn = isOn; memory.set("goesOn", isOn); }, "go on to the next after a verdict")));
	}

	acceptance(points, scores) {
		const [low, high] = [Math.min(...scores), Math.max(...scores)];
		if (!(this.threshold >= low && this.threshold <= high)) this.threshold = Number(scores.sort((a, b) => b - a)[Math.floor(scores.length / 4)].toFixed(3));
		const bins = new Array(30).fill(0);
		for (const score of scores) bins[high > low ? Math.min(29, Math.floor(((score - low) / (high - low)) * 30)) : 0] += 1;
		const edges = Array.from({ length: 31 }, (_, index) => low + ((high - low) * index) / 30);
		const go = button("", "", () => this.acceptAbove(this.threshold), { class: "accept" });
		const name = () => {
			const some = points.filter((point) => !point.state && point.score >= this.threshold).length;
			go.textContent = `Accept ${count(some)} with score ≥ ${number(this.threshold, 3)}`;
			go.disabled = some === 0;
		};
		const plot = h("div");
		const draw = () => { fill(plot, brushedHistogram({ edges, counts: bins, label: "score", height: 40, fields: false, range: { low: this.threshold, high }, onBrush: (range) => { if (range) { this.threshold = range.low; slider.value = range.low; draw(); } } })); name(); };
		const slider = h("input", { type: "range", min: low, max: high, step: "any", value: this.threshold, "aria-label": "Least score", oninput: (event) => { this.threshold = Number(event.target.value); draw(); } });
		slider.value = this.threshold;
		draw();
		return part(h("h3", "By score"), plot, slider, bar(go));
	}
}
