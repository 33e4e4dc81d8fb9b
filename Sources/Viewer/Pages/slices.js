// Slices that are here, on their way, or wanted next. Kept within a number of bytes; what nobody wants any more is cancelled.

import { slice as fetchSlice } from "./api.js";

// Browsers keep six connections to a server, and one is the stream of events.
const [parallel, parallelAhead, parallelLayersAhead] = [5, 4, 2];
const isLayer = (key) => key.includes("/layers/");

export class SliceStore {
	/** @param arrived is called with the key of each slice that came, @param failed with the error. */
	constructor({ bytes = 160e6, arrived, failed }) {
		Object.assign(this, { limit: bytes, arrived, failed });
		this.kept = new Map();
		this.size = 0;
		this.flying = new Map();
		this.queue = [];
		this.bad = new Map();
	}

	get(key) {
		const found = this.kept.get(key);
		if (found) { this.kept.delete(key); this.kept.set(key, found); }
		return found;
	}

	has(key) { return this.kept.has(key); }

	/** Takes addresses in the order in which they are wanted; the first `urgent` are for what is shown now. */
	want(keys, urgent = 1) {
		const wanted = new Set(keys);
		const now = performance.now();
		for (const [key, flight] of this.flying) {
			// What was urgent a moment ago may still be the nearest to what is shown: it has a little time to arrive.
			if (!wanted.has(key) && !(flight.urgent && now - flight.started < 200)) { flight.controller.abort(); this.flying.delete(key); }
		}
		// A slow layer does not keep the slice itself waiting.
		if (keys.length && !this.kept.has(keys[0]) && !this.flying.has(keys[0]) && this.flying.size >= parallel) {
			const slow = [...this.flying].find(([key]) => isLayer(key));
			if (slow) { slow[1].controller.abort(); this.flying.delete(slow[0]); }
		}
		this.queue = keys.map((key, index) => [key, index < urgent]).filter(([key]) => !this.kept.has(key) && !this.flying.has(key) && !((this.bad.get(key) ?? 0) > now));
		this.next();
	}

	next() {
		let layers = [...this.flying.keys()].filter(isLayer).length;
		this.queue = this.queue.filter(([key, isUrgent]) => {
			const isFull = this.flying.size >= (isUrgent ? parallel : parallelAhead) || (!isUrgent && isLayer(key) && layers >= parallelLayersAhead);
			if (isFull) return true;
			if (isLayer(key)) layers += 1;
			this.load(key, isUrgent);
			return false;
		});
	}

	async load(key, urgent) {
		const flight = { controller: new AbortController(), urgent, started: performance.now() };
		this.flying.set(key, flight);
		try {
			const slice = await fetchSlice(key, flight.controller.signal);
			this.kept.set(key, slice);
			this.size += slice.bytes.length;
			for (const [old, other] of this.kept) {
				if (this.size <= this.limit || old === key) break;
				this.kept.delete(old);
				this.size -= other.bytes.length;
			}
			this.arrived(key);
		} catch (error) {
			if (error.name === "AbortError") return;
			this.bad.set(key, performance.now() + 5000);
			this.failed(error, key);
		} finally {
			if (this.flying.get(key) === flight) this.flying.delete(key);
			this.next();
		}
	}

	/** Forgets everything, since results changed. */
	clear() {
		this.want([]);
		this.kept.clear();
		this.bad.clear();
		this.size = 0;
	}

	close() {
		for (const flight of this.flying.values()) flight.controller.abort();
		this.flying.clear();
		this.queue = [];
	}
}
