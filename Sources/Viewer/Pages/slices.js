// Slices that are here, on their way, or wanted next. Kept within a number of bytes; what nobody wants any more is cancelled.

import { slice as fetchSlice } from "./api.js";

const parallel = 5;

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
    this.queue = keys.map((key, index) => [key, index < urgent]).filter(([key]) => !this.kept.has(key) && !this.flying.has(key) && !((this.bad.get(key) ?? 0) > now));
    this.next();
  }

  next() {
    while (this.queue.length > 0) {
      const [key, isUrgent] = this.queue[0];
      if (this.flying.size >= (isUrgent ? parallel + 2 : parallel)) return;
      this.queue.shift();
      this.load(key, isUrgent);
    }
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
