// What a person changes on the page of a tomogram, slabs before all, and how it is taken back.

import { post, remove } from "./api.js";
import { complain, toast } from "./dom.js";

export class Changes {
	/** @param page the page of the tomogram: `id`, `cursor`, `slabs`, `strip`, `undoButton`, `isReadOnly` */
	constructor(page) {
		this.page = page;
		this.history = [];
	}

	/** Says that nothing can be changed, where that is so. */
	refuses() {
		if (this.page.isReadOnly) toast("This server is read-only: start `cellar serve` without --read-only to change something.", { kind: "error" });
		return this.page.isReadOnly;
	}

	/** Remembers how something that was done is taken back, and says that it was done. */
	push(label, action) {
		const entry = { label, action };
		this.history.push(entry);
		this.page.undoButton.disabled = false;
		entry.message = toast(`${label[0].toUpperCase()}${label.slice(1)}.`, { action: () => this.undo(this.history.indexOf(entry)) });
	}

	async undo(place = this.history.length - 1) {
		const [entry] = place >= 0 ? this.history.splice(place, 1) : [];
		if (!entry) return;
		entry.message.remove();
		this.page.undoButton.disabled = this.history.length === 0;
		try {
			await entry.action();
			toast(`Taken back: ${entry.label}.`);
		} catch (error) { complain(error); }
	}

	/** Adds a slab, or with `isQuiet` takes back that it was removed. */
	async addSlab(zFirst, zEnd, isQuiet = false) {
		if (this.refuses()) return;
		try {
			const { id } = await post("slabs", { tomogram: this.page.id, zFirst, zEnd });
			const slab = { id, zFirst, zEnd };
			if (this.page.slabs.some((other) => other.id === id)) return toast("This slab is there already.");
			this.show([...this.page.slabs, slab]);
			if (!isQuiet) this.push(`added the slab of slices ${zFirst} to ${zEnd - 1}`, () => this.removeSlab(slab, true));
		} catch (error) { complain(error); }
	}

	async removeSlab(slab, isQuiet = false) {
		if (this.refuses()) return;
		try {
			await remove(`slabs/${slab.id}`);
			this.show(this.page.slabs.filter((other) => other.id !== slab.id));
			if (!isQuiet) this.push(`removed the slab of slices ${slab.zFirst} to ${slab.zEnd - 1}`, () => this.addSlab(slab.zFirst, slab.zEnd, true));
		} catch (error) { complain(error); }
	}

	show(slabs) {
		this.page.slabs = slabs;
		this.page.strip.setSlabs(slabs);
	}

	/** Begins a slab at the slice that is shown, or ends it there. */
	markSlab(isEnd) {
		const { z } = this.page.cursor;
		if (!isEnd) { this.slabStart = z; return toast(`A slab begins at slice ${z}; go to its last slice and press ].`); }
		if (this.slabStart === undefined) return toast("Press [ at the first slice of the slab.");
		const [first, last] = [this.slabStart, z].sort((a, b) => a - b);
		this.slabStart = undefined;
		return this.addSlab(first, last + 1);
	}
}
