// The picture of a slice on a canvas: what is drawn where, pan and zoom, pointers. It knows nothing of the server.

import { clamp, number } from "./dom.js";
import { paint } from "./palette.js";

/** For each axis that is cut: which coordinate runs to the right, and which down. */
export const planes = { z: ["x", "y"], y: ["x", "z"], x: ["y", "z"] };

export class SliceView {
	/** @param on `scroll(steps)`, `click(point, event)`, `hover(point)`, `contrast(dx, dy)`, `swipe(fraction)` */
	constructor(canvas, on) {
		Object.assign(this, { canvas, on });
		this.context = canvas.getContext("2d", { alpha: false });
		this.base = document.createElement("canvas");
		this.layers = [];
		this.points = [];
		this.scale = 1;
		this.middle = [0, 0];
		this.extent = [1, 1];
		this.aspect = 1;
		this.unit = null;
		this.swipe = null;
		this.drawn = 0;
		this.pointers = new Map();
		this.observer = new ResizeObserver(() => this.resize());
		this.observer.observe(canvas.parentElement);
		this.listen();
		this.resize();
	}

	close() {
		this.observer.disconnect();
		cancelAnimationFrame(this.frame);
	}

	resize() {
		const box = this.canvas.parentElement.getBoundingClientRect();
		// Hidden, as while three dimensions are shown.
		if (this.width && box.width < 2) return;
		const ratio = Math.min(devicePixelRatio || 1, 2);
		this.ratio = ratio;
		const isFirst = !this.width;
		[this.width, this.height] = [Math.max(1, box.width), Math.max(1, box.height)];
		this.canvas.width = Math.round(this.width * ratio);
		this.canvas.height = Math.round(this.height * ratio);
		if (isFirst || this.isFitted) this.fit();
		this.redraw(true);
	}

	/** Another plane: its size in voxels, and how much longer a voxel is downwards than to the right. */
	setPlane(extent, aspect) {
		this.extent = extent;
		this.aspect = aspect || 1;
		this.fit();
	}

	fit() {
		this.scale = Math.min(this.width / this.extent[0], this.height / (this.extent[1] * this.aspect)) * 0.97;
		this.middle = [this.extent[0] / 2, this.extent[1] / 2];
		this.isFitted = true;
		this.on.moved?.();
		this.redraw();
	}

	zoom(factor, at = [this.width / 2, this.height / 2]) {
		const before = this.toVoxels(at);
		this.scale = clamp(this.scale * factor, 0.02, 64);
		const after = this.toVoxels(at);
		this.middle = [this.middle[0] + before[0] - after[0], this.middle[1] + before[1] - after[1]];
		this.moved();
	}

	pan(dx, dy) {
		this.middle = [this.middle[0] - dx / this.scale, this.middle[1] - dy / (this.scale * this.aspect)];
		this.moved();
	}

	/** Brings a place into view: a point in voxels from the centre of the first. */
	reveal([u, v]) {
		const [x, y] = this.toPixels([u + 0.5, v + 0.5]);
		if (x < 40 || y < 40 || x > this.width - 40 || y > this.height - 40) this.middle = [u + 0.5, v + 0.5];
		this.moved();
	}

	moved() {
		this.isFitted = false;
		this.middle = [clamp(this.middle[0], 0, this.extent[0]), clamp(this.middle[1], 0, this.extent[1])];
		this.on.moved?.();
		this.redraw();
	}

	toVoxels([x, y]) {
		return [this.middle[0] + (x - this.width / 2) / this.scale, this.middle[1] + (y - this.height / 2) / (this.scale * this.aspect)];
	}

	toPixels([u, v]) {
		return [this.width / 2 + (u - this.middle[0]) * this.scale, this.height / 2 + (v - this.middle[1]) * this.scale * this.aspect];
	}

	/** The slice of the density, with its level. */
	setBase(slice, level, table) {
		Object.assign(this, { slice, level });
		paint(slice, table, this.base);
		this.isNew = true;
		this.redraw();
	}

	redraw(now = false) {
		if (now) { cancelAnimationFrame(this.frame); this.frame = 0; return this.draw(); }
		this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.draw(); });
	}

	draw() {
		const { context, width, height } = this;
		context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
		context.globalAlpha = 1;
		context.fillStyle = "#101114";
		context.fillRect(0, 0, width, height);
		if (!this.slice) return;
		this.image(this.base, this.level);
		const split = this.swipe === null ? null : this.swipe * width;
		for (const layer of this.layers) {
			if (!layer.canvas || this.areLayersHidden) continue;
			context.save();
			if (split !== null && layer.side !== "AB") {
				context.beginPath();
				context.rect(layer.side === "A" ? 0 : split, 0, layer.side === "A" ? split : width - split, height);
				context.clip();
			}
			context.globalAlpha = layer.opacity;
			this.image(layer.canvas, layer.level);
			context.restore();
		}
		context.globalAlpha = 1;
		if (!this.areLayersHidden) this.drawPoints(split);
		if (split !== null) this.drawSwipe(split);
		if (this.cross) this.drawCross();
		this.drawScaleBar();
		// How many slices people have seen: for tests.
		if (this.isNew) this.canvas.dataset.drawn = this.drawn += 1;
		this.isNew = false;
	}

	image(canvas, level) {
		const factor = 2 ** level;
		const [x, y] = this.toPixels([0, 0]);
		this.context.imageSmoothingEnabled = this.scale * factor < 2.5;
		this.context.drawImage(canvas, x, y, canvas.width * factor * this.scale, canvas.height * factor * this.scale * this.aspect);
	}

	drawPoints(split) {
		const { context } = this;
		for (const point of this.points) {
			const [x, y] = this.toPixels([point.u + 0.5, point.v + 0.5]);
			const radius = Math.max(2.5, point.cut * this.scale);
			if (x < -radius || y < -radius || x > this.width + radius || y > this.height + radius) continue;
			if (split !== null && point.side !== "AB" && (point.side === "A") !== (x < split)) continue;
			const isRejected = point.state === "rejected";
			context.beginPath();
			context.arc(x, y, radius, 0, 2 * Math.PI);
			context.setLineDash(isRejected ? [3, 4] : []);
			context.globalAlpha = isRejected ? 0.8 : point.opacity;
			context.lineWidth = 3.5;
			context.strokeStyle = "rgba(0, 0, 0, 0.55)";
			context.stroke();
			context.lineWidth = point.state === "accepted" || point.state === "added" ? 2.4 : 1.6;
			context.strokeStyle = isRejected ? "#d8d8d8" : point.color;
			context.stroke();
			context.setLineDash([]);
			if (point.state && radius > 3.5) this.mark(point.state, x + radius * 0.707, y - radius * 0.707, isRejected ? "#d8d8d8" : point.color);
			if (point.isChosen) {
				context.globalAlpha = 1;
				context.lineWidth = 1.5;
				context.strokeStyle = "#ffffff";
				context.beginPath();
				context.arc(x, y, radius + 5, 0, 2 * Math.PI);
				context.stroke();
			}
			if ((point.isChosen || (this.hasScores && radius > 9)) && point.text) this.text(point.text, x, y + radius + 12, "center");
		}
		context.globalAlpha = 1;
	}

	/** A sign beside a circle: accepted, rejected, added. */
	mark(state, x, y, color) {
		const { context } = this;
		context.lineWidth = 2;
		context.strokeStyle = color;
		context.beginPath();
		if (state === "rejected") { context.moveTo(x - 3, y - 3); context.lineTo(x + 3, y + 3); context.moveTo(x + 3, y - 3); context.lineTo(x - 3, y + 3); }
		else if (state === "accepted") { context.moveTo(x - 4, y); context.lineTo(x - 1, y + 3); context.lineTo(x + 4, y - 4); }
		else { context.moveTo(x - 4, y); context.lineTo(x + 4, y); context.moveTo(x, y - 4); context.lineTo(x, y + 4); }
		context.stroke();
	}

	text(text, x, y, align = "left", size = 11) {
		const { context } = this;
		context.font = `500 ${size}px system-ui, sans-serif`;
		context.textAlign = align;
		context.lineWidth = 3;
		context.lineJoin = "round";
		context.strokeStyle = "rgba(0, 0, 0, 0.75)";
		context.strokeText(text, x, y);
		context.fillStyle = "#ffffff";
		context.fillText(text, x, y);
	}

	drawSwipe(x) {
		const { context } = this;
		context.fillStyle = "rgba(255, 255, 255, 0.9)";
		context.fillRect(x - 0.75, 0, 1.5, this.height);
		context.beginPath();
		context.arc(x, this.height / 2, 11, 0, 2 * Math.PI);
		context.fill();
		context.fillStyle = "#101114";
		context.font = "600 11px system-ui, sans-serif";
		context.textAlign = "center";
		context.fillText("⇆", x, this.height / 2 + 4);
		this.text("A", x - 12, 20, "right", 13);
		this.text("B", x + 12, 20, "left", 13);
	}

	drawCross() {
		const { context } = this;
		const [x, y] = this.toPixels([this.cross[0] + 0.5, this.cross[1] + 0.5]);
		context.beginPath();
		for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) { context.moveTo(x + 4 * dx, y + 4 * dy); context.lineTo(x + 11 * dx, y + 11 * dy); }
		for (const [width, style] of [[3, "rgba(0, 0, 0, 0.6)"], [1.2, "#ffffff"]]) { context.lineWidth = width; context.strokeStyle = style; context.stroke(); }
	}

	drawScaleBar() {
		const perPixel = (this.unit ? this.unit / 10 : 1) / this.scale;
		const goal = Math.min(140, this.width / 4) * perPixel;
		const power = 10 ** Math.floor(Math.log10(goal));
		const length = [5, 2, 1].map((step) => step * power).find((value) => value <= goal) ?? power;
		const pixels = length / perPixel;
		const [x, y] = [this.width - 16 - pixels, this.height - 16];
		this.context.fillStyle = "rgba(0, 0, 0, 0.6)";
		this.context.fillRect(x - 1, y - 1, pixels + 2, 6);
		this.context.fillStyle = "#ffffff";
		this.context.fillRect(x, y, pixels, 4);
		this.text(`${number(length)} ${this.unit ? "nm" : "voxels"}`, x + pixels / 2, y - 7, "center", 12);
	}

	listen() {
		const { canvas } = this;
		let carry = 0;
		canvas.addEventListener("wheel", (event) => {
			event.preventDefault();
			const step = event.deltaMode === 1 ? event.deltaY * 32 : event.deltaY || event.deltaX;
			if (event.ctrlKey || event.metaKey) return this.zoom(Math.exp(-clamp(step, -120, 120) / 300), [event.offsetX, event.offsetY]);
			// A notch of a wheel is 100 or more; a touchpad gives many small steps.
			carry += step;
			const steps = Math.abs(step) >= 60 ? Math.sign(step) : Math.trunc(carry / 24);
			if (steps !== 0) { carry = 0; this.on.scroll(steps * (event.shiftKey ? 10 : 1)); }
		}, { passive: false });
		canvas.addEventListener("contextmenu", (event) => event.preventDefault());
		canvas.addEventListener("pointerdown", (event) => {
			canvas.setPointerCapture(event.pointerId);
			const at = [event.offsetX, event.offsetY];
			const isSwipe = this.swipe !== null && Math.abs(at[0] - this.swipe * this.width) < 14;
			this.pointers.set(event.pointerId, { at, start: at, moved: false, kind: isSwipe ? "swipe" : event.button === 2 || event.shiftKey ? "contrast" : "pan" });
		});
		canvas.addEventListener("pointermove", (event) => {
			const at = [event.offsetX, event.offsetY];
			const pointer = this.pointers.get(event.pointerId);
			if (!pointer) {
				canvas.classList.toggle("swiping", this.swipe !== null && Math.abs(at[0] - this.swipe * this.width) < 14);
				return this.on.hover(this.toVoxels(at));
			}
			const [dx, dy] = [at[0] - pointer.at[0], at[1] - pointer.at[1]];
			if (!pointer.moved && Math.hypot(at[0] - pointer.start[0], at[1] - pointer.start[1]) < 4) return;
			pointer.moved = true;
			if (this.pointers.size === 2) {
				const other = [...this.pointers.values()].find((entry) => entry !== pointer);
				const before = Math.hypot(pointer.at[0] - other.at[0], pointer.at[1] - other.at[1]);
				const after = Math.hypot(at[0] - other.at[0], at[1] - other.at[1]);
				if (before > 0) this.zoom(after / before, [(at[0] + other.at[0]) / 2, (at[1] + other.at[1]) / 2]);
			} else if (pointer.kind === "swipe") this.on.swipe(clamp(at[0] / this.width, 0, 1));
			else if (pointer.kind === "contrast") this.on.contrast(dx, dy);
			else this.pan(dx, dy);
			pointer.at = at;
		});
		const up = (event) => {
			const pointer = this.pointers.get(event.pointerId);
			this.pointers.delete(event.pointerId);
			if (pointer && !pointer.moved && event.type === "pointerup" && pointer.kind === "pan" && event.button === 0) this.on.click(this.toVoxels(pointer.at), event);
		};
		canvas.addEventListener("pointerup", up);
		canvas.addEventListener("pointercancel", up);
		canvas.addEventListener("pointerleave", () => this.on.hover(null));
	}
}

/** The circles in which particles cut a slice: those whose ball reaches it. */
export function cutPoints(points, axis, index, options) {
	const [u, v] = planes[axis];
	const cut = [];
	for (const point of points) {
		const distance = point[axis] - index;
		const radius = Math.max(point.radius || 0, 1);
		if (Math.abs(distance) > radius) continue;
		cut.push({ ...options(point), u: point[u], v: point[v], cut: Math.sqrt(Math.max(0, radius * radius - distance * distance)), source: point, state: point.state });
	}
	return cut;
}
