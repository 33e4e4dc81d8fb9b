// The strip along z: where the sample is, which slabs were picked, what results cover, and where one is. A drag picks a slab.

import { clamp, drag, fill, h, setStyle } from "./dom.js";

export class ZStrip {
	/** @param on `jump(z)`, and where slabs may be changed `add(zFirst, zEnd)`, `remove(slab)` */
	constructor(depth, on) {
		Object.assign(this, { depth, on });
		this.sample = h("div.lane.sample");
		this.slabs = h("div.lane.slabs");
		this.cover = h("div.cover");
		this.cursor = h("div.zcursor", { "aria-hidden": "true" });
		this.ghost = h("div.zghost", { hidden: true, "aria-hidden": "true" });
		this.ghostText = h("span");
		this.ghost.append(this.ghostText);
		this.track = h("div.ztrack", { title: `${on.add ? "Drag to pick a slab; click" : "Click"} to go there` }, this.sample, this.slabs, this.cover, this.ghost, this.cursor);
		this.labels = h("div.zlabels", { "aria-hidden": "true" }, h("span.for-sample", "sample"), h("span.for-slabs", "slabs"), h("span.for-cover", "results"));
		this.element = h("section.zstrip", { "aria-label": "Slices along z" }, this.labels, this.track);
		drag(this.track, (event) => {
			if (event.target.closest("button")) return null;
			return { from: this.at(event) };
		}, (event, state) => {
			if (!on.add) return;
			const [first, last] = [state.from, this.at(event)].sort((a, b) => a - b);
			this.ghost.hidden = false;
			this.place(this.ghost, first, last + 1);
			this.ghostText.textContent = `${first} – ${last} · ${last - first + 1} slices`;
		}, (event, state, moved) => {
			this.ghost.hidden = true;
			if (event.type !== "pointerup") return;
			const [first, last] = [state.from, this.at(event)].sort((a, b) => a - b);
			moved && last > first && on.add ? on.add(first, last + 1) : this.on.jump(this.at(event));
		});
	}

	at(event) {
		const box = this.track.getBoundingClientRect();
		return clamp(Math.floor(((event.clientX - box.left) / box.width) * this.depth), 0, this.depth - 1);
	}

	place(element, first, end) {
		setStyle(element, { left: `${(100 * first) / this.depth}%`, width: `${(100 * (end - first)) / this.depth}%` });
		return element;
	}

	setZ(z) { setStyle(this.cursor, { left: `${(100 * (z + 0.5)) / this.depth}%` }); }

	setSlabs(slabs) {
		fill(this.slabs, slabs.map((slab) => this.place(h("button", {
			class: "slab", title: `Slab of slices ${slab.zFirst} to ${slab.zEnd - 1}: click goes there${this.on.remove ? ", Delete removes it" : ""}`,
			"aria-label": `Slab of slices ${slab.zFirst} to ${slab.zEnd - 1}`, "data-slab": slab.id,
			onclick: (event) => {
				if (event.target.closest(".slabx")) return this.on.remove(slab);
				this.on.jump(Math.floor((slab.zFirst + slab.zEnd) / 2));
			},
			onkeydown: (event) => { if (this.on.remove && (event.key === "Delete" || event.key === "Backspace")) { event.preventDefault(); this.on.remove(slab); } },
		}, this.on.remove ? h("span.slabx", { "aria-hidden": "true" }, "×") : null), slab.zFirst, slab.zEnd)));
	}

	/** The sample, from the heights of its surfaces at the middle of the slices. */
	setExtent(extent) {
		fill(this.sample);
		if (!extent) return;
		const lower = extent.bottom ?? extent.lower ?? null;
		const upper = extent.top ?? extent.upper ?? null;
		if (!lower && !upper) return;
		const [first, end] = [clamp((lower?.z ?? 0) + 0.5, 0, this.depth), clamp((upper?.z ?? this.depth) + 0.5, 0, this.depth)];
		const band = h("div", { class: `extent${lower ? "" : " openlow"}${upper ? "" : " openhigh"}`, title: `The sample${lower ? ` from slice ${Math.round(lower.z)}` : ""}${upper ? ` to ${Math.round(upper.z)}` : ""}, at the middle` });
		this.sample.append(this.place(band, first, Math.max(end, first + 0.5)));
	}

	/** What layers cover: `{label, slices, state, color}` each. */
	setCover(layers) {
		fill(this.cover, layers.slice(0, 8).map((layer) => h("div.lane.thin", layer.slices.map(([first, end]) => {
			const piece = this.place(h("div", { class: `piece ${layer.state ?? ""}`, title: `${layer.label}: slices ${first} to ${end - 1}${layer.state ? `, ${layer.state}` : ""}` }), first, end);
			setStyle(piece, { "--piece": layer.color });
			return piece;
		}))));
	}
}
