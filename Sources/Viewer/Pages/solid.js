// Three dimensions (WebGL2): surfaces from the server, particles as balls, the box, and the slice that is shown as a plane in it.
// Positions are in Å from the centre of the first voxel, right-handed as in ChimeraX.

import { buffer } from "./api.js";
import { append, button, choice, clamp, drag, fill, h, swatch, tick } from "./dom.js";
import { classColor, rgb } from "./palette.js";
import { ballMesh, readGLB } from "./glb.js";
import { planes } from "./view.js";

const vertexShader = `#version 300 es
layout(location = 0) in vec3 position; layout(location = 1) in vec3 normal; layout(location = 2) in vec4 ball; layout(location = 3) in vec2 place;
uniform mat4 camera, projection; out vec3 facing; out vec3 seen; out vec2 at;
void main() {
	vec4 p = camera * vec4(position * ball.w + ball.xyz, 1.0);
	facing = mat3(camera) * normal; seen = p.xyz; at = place; gl_Position = projection * p;
}`;
const fragmentShader = `#version 300 es
precision highp float; in vec3 facing; in vec3 seen; in vec2 at; out vec4 color;
uniform vec3 tint; uniform int mode; uniform sampler2D picture;
void main() {
	if (mode == 2) { color = texture(picture, at); return; }
	if (mode == 1) { color = vec4(tint, 1.0); return; }
	vec3 n = normalize(facing), eye = normalize(-seen);
	if (dot(n, eye) < 0.0) n = -n;
	vec3 key = normalize(vec3(-0.4, 0.5, 0.8));
	float light = 0.30 + 0.55 * max(dot(n, key), 0.0) + 0.18 * max(dot(n, eye), 0.0);
	float shine = 0.18 * pow(max(dot(reflect(-key, n), eye), 0.0), 24.0);
	color = vec4(tint * light + shine, 1.0);
}`;

export class Solid {
	/** @param page the page of the tomogram, whose slice, classes and particles are shown. */
	constructor(place, page) {
		this.page = page;
		this.canvas = h("canvas.slice", { tabindex: 0, role: "application", "aria-roledescription": "scene", "aria-label": "Surfaces in three dimensions; arrows turn, + and − zoom" });
		const gl = this.canvas.getContext("webgl2", { antialias: true, alpha: false, powerPreference: "low-power" });
		if (!gl) throw new Error("This browser has no WebGL2, which surfaces in three dimensions need.");
		this.gl = gl;
		this.controller = new AbortController();
		this.meshes = new Map();
		this.balls = new Map();
		this.hasPlane = true;
		this.smoothing = "";
		const size = page.voxelSize ?? [1, 1, 1];
		this.size = size;
		this.box = ["x", "y", "z"].map((axis, index) => [-0.5 * size[index], (page.shape[axis] - 0.5) * size[index]]);
		this.middle = this.box.map(([low, high]) => (low + high) / 2);
		this.radius = Math.hypot(...this.box.map(([low, high]) => high - low)) / 2;
		this.setUp();
		this.reset();
		this.list = h("div.solidlist");
		append(place, [this.canvas, h("details.solidpanel", { open: innerWidth > 760 }, h("summary", "Shown"), this.list), h("div.zoombar", button("", "Zoom in (+)", () => this.zoom(1.3), { icon: "plus" }), button("", "Zoom out (−)", () => this.zoom(1 / 1.3), { icon: "minus" }), button("", "See all of it (0)", () => this.reset(), { icon: "fit" }))]);
		this.pointers = 0;
		drag(this.canvas, (event) => ({ at: [event.clientX, event.clientY], isPan: event.button !== 0 || event.shiftKey }), (event, state) => {
			const [dx, dy] = [event.clientX - state.at[0], event.clientY - state.at[1]];
			state.at = [event.clientX, event.clientY];
			state.isPan ? this.pan(dx, dy) : this.turn(dx, dy);
		});
		this.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
		this.canvas.addEventListener("wheel", (event) => {
			event.preventDefault();
			if (event.ctrlKey || event.metaKey || !event.altKey) this.zoom(Math.exp(-clamp(event.deltaY, -120, 120) / 400));
		}, { passive: false });
		this.observer = new ResizeObserver(() => this.redraw());
		this.observer.observe(place);
		this.setSlice(page);
		this.setPoints(page);
		const names = this.surfaceClasses();
		this.drawList();
		if (names.length) this.load(names.includes("membrane") ? "membrane" : names[0]);
	}

	/** Classes that a segmentation has. */
	surfaceClasses() {
		const labels = this.page.layers.filter(({ layer }) => layer.kind === "labels" && layer.step === "segment");
		const names = labels.flatMap(({ layer }) => [layer.class, ...(layer.values ?? []).map((value) => value.name)]).filter(Boolean);
		return [...new Set(names)];
	}

	close() {
		this.isClosed = true;
		this.controller.abort();
		this.observer.disconnect();
		cancelAnimationFrame(this.frame);
		this.gl.getExtension("WEBGL_lose_context")?.loseContext();
	}

	setUp() {
		const { gl } = this;
		const compile = (type, text) => {
			const shader = gl.createShader(type);
			gl.shaderSource(shader, text);
			gl.compileShader(shader);
			if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(`A shader was refused: ${gl.getShaderInfoLog(shader)}`);
			return shader;
		};
		const program = gl.createProgram();
		gl.attachShader(program, compile(gl.VERTEX_SHADER, vertexShader));
		gl.attachShader(program, compile(gl.FRAGMENT_SHADER, fragmentShader));
		gl.linkProgram(program);
		if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`The shaders do not fit: ${gl.getProgramInfoLog(program)}`);
		gl.useProgram(program);
		this.uniforms = Object.fromEntries(["camera", "projection", "tint", "mode", "picture"].map((name) => [name, gl.getUniformLocation(program, name)]));
		gl.enable(gl.DEPTH_TEST);
		const [[x0, x1], [y0, y1], [z0, z1]] = this.box;
		const corners = [[x0, y0, z0], [x1, y0, z0], [x1, y1, z0], [x0, y1, z0], [x0, y0, z1], [x1, y0, z1], [x1, y1, z1], [x0, y1, z1]];
		this.frameLines = this.array({ positions: new Float32Array(corners.flat()), indices: new Uint16Array([0, 1, 1, 2, 2, 3, 3, 0, 4, 5, 5, 6, 6, 7, 7, 4, 0, 4, 1, 5, 2, 6, 3, 7]) });
		this.ball = ballMesh(2);
		this.texture = gl.createTexture();
	}

	/** Puts numbers onto the device. `instances` are balls: x, y, z, radius. */
	array({ positions, normals, indices, places, instances }) {
		const { gl } = this;
		const vao = gl.createVertexArray();
		gl.bindVertexArray(vao);
		const buffers = [];
		const attach = (place, data, size, divisor = 0) => {
			if (!data) return;
			const target = gl.createBuffer();
			buffers.push(target);
			gl.bindBuffer(gl.ARRAY_BUFFER, target);
			gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
			gl.enableVertexAttribArray(place);
			gl.vertexAttribPointer(place, size, gl.FLOAT, false, 0, 0);
			gl.vertexAttribDivisor(place, divisor);
		};
		attach(0, positions, 3);
		attach(1, normals, 3);
		attach(2, instances, 4, 1);
		attach(3, places, 2);
		const index = gl.createBuffer();
		buffers.push(index);
		gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, index);
		gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STATIC_DRAW);
		gl.bindVertexArray(null);
		return { vao, buffers, count: indices.length, type: indices instanceof Uint32Array ? gl.UNSIGNED_INT : gl.UNSIGNED_SHORT, instances: instances ? instances.length / 4 : 0 };
	}

	drop(array) {
		if (!array) return;
		this.gl.deleteVertexArray(array.vao);
		for (const item of array.buffers) this.gl.deleteBuffer(item);
	}

	async load(name) {
		const entry = { state: "…", isOn: true, parts: [] };
		this.meshes.set(name, entry);
		this.drawList();
		try {
			const data = await buffer(`tomograms/${this.page.id}/mesh`, { class: name, smoothing: this.smoothing }, this.controller.signal);
			if (this.isClosed || this.meshes.get(name) !== entry) return;
			entry.parts = readGLB(data).map((part) => this.array(part));
			entry.triangles = entry.parts.reduce((sum, part) => sum + part.count / 3, 0);
			entry.state = `${(entry.triangles / 1000).toFixed(0)} k triangles`;
		} catch (error) {
			if (error.name === "AbortError") return;
			entry.state = error.message;
		}
		this.drawList();
		this.redraw();
	}

	setPoints(page) {
		const groups = new Map();
		for (const point of page.particles.all) {
			if (point.state === "rejected") continue;
			if (!groups.has(point.class)) groups.set(point.class, []);
			groups.get(point.class).push(point.x * this.size[0], point.y * this.size[1], point.z * this.size[2], Math.max(1, point.radius) * this.size[0]);
		}
		const known = [...groups].map(([name, numbers]) => `${name} ${numbers.length} ${numbers.slice(-4)}`).join();
		if (known === this.knownPoints) return;
		this.knownPoints = known;
		const wasOn = new Map([...this.balls].map(([name, entry]) => [name, entry.isOn]));
		for (const entry of this.balls.values()) this.drop(entry.array);
		this.balls = new Map([...groups].map(([name, numbers]) => [name, { isOn: wasOn.get(name) ?? true, array: this.array({ ...this.ball, instances: new Float32Array(numbers) }) }]));
		this.drawList();
		this.redraw();
	}

	/** The slice that is shown, as the plane in which it lies. */
	setSlice(page) {
		if (!page.shown) return;
		const { gl } = this;
		const [u, v] = planes[page.axis].map((axis) => "xyz".indexOf(axis));
		const across = "xyz".indexOf(page.axis);
		const corner = (a, b) => {
			const point = [0, 0, 0];
			point[u] = this.box[u][a];
			point[v] = this.box[v][b];
			point[across] = page.shownIndex * this.size[across];
			return point;
		};
		this.drop(this.plane);
		this.plane = this.array({ positions: new Float32Array([corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)].flat()), places: new Float32Array([0, 0, 1, 0, 1, 1, 0, 1]), indices: new Uint16Array([0, 1, 2, 0, 2, 3]) });
		gl.bindTexture(gl.TEXTURE_2D, this.texture);
		gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, page.view.base);
		gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
		gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
		gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
		gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
		gl.generateMipmap(gl.TEXTURE_2D);
		this.redraw();
	}

	drawList() {
		if (!this.list) return;
		const row = (name, isOn, note, change) => tick(isOn, (value) => { change(value); this.redraw(); },
			name ? swatch(classColor(name, this.page.classes)) : null, h("span", name ?? "slice"), h("small", note));
		fill(this.list, this.surfaceClasses().map((name) => {
			const entry = this.meshes.get(name);
			return row(name, entry?.isOn ?? false, entry?.state ?? "surface", (isOn) => { entry ? (entry.isOn = isOn) : this.load(name); });
		}), [...this.balls].map(([name, entry]) => row(name, entry.isOn, `${entry.array.instances} particles`, (isOn) => { entry.isOn = isOn; })),
		row(null, this.hasPlane, "", (isOn) => { this.hasPlane = isOn; }),
		choice("Smoothing of surfaces", [["", "smoothing: usual"], ["0", "none"], ["20", "20 Å"], ["50", "50 Å"], ["100", "100 Å"]], this.smoothing, (value) => {
			this.smoothing = value;
			for (const [name, entry] of this.meshes) { entry.parts.forEach((part) => this.drop(part)); this.load(name); }
		}));
	}

	// The camera

	reset() {
		this.rotation = multiply(turnX(0.55), turnY(-0.5));
		this.distance = this.radius * 3.1;
		this.shift = [0, 0];
		this.redraw();
	}

	turn(dx, dy) {
		this.rotation = multiply(multiply(turnX(dy / 180), turnY(dx / 180)), this.rotation);
		this.redraw();
	}

	pan(dx, dy) {
		const unit = (this.distance * 0.63) / this.canvas.clientHeight;
		this.shift = [this.shift[0] + dx * unit, this.shift[1] - dy * unit];
		this.redraw();
	}

	zoom(factor) {
		this.distance = clamp(this.distance / factor, this.radius * 0.15, this.radius * 12);
		this.redraw();
	}

	redraw() {
		if (!this.isClosed) this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.draw(); });
	}

	draw() {
		const { gl, canvas, uniforms } = this;
		const ratio = Math.min(devicePixelRatio || 1, 2);
		const [width, height] = [Math.max(1, Math.round(canvas.clientWidth * ratio)), Math.max(1, Math.round(canvas.clientHeight * ratio))];
		if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
		gl.viewport(0, 0, width, height);
		gl.clearColor(0.063, 0.067, 0.078, 1);
		gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
		const camera = multiply(this.rotation, translation(this.middle.map((value) => -value)));
		camera[12] += this.shift[0];
		camera[13] += this.shift[1];
		camera[14] -= this.distance * Math.max(1, height / width);
		gl.uniformMatrix4fv(uniforms.camera, false, camera);
		gl.uniformMatrix4fv(uniforms.projection, false, perspective(0.61, width / height, this.radius * 0.02, this.radius * 30));
		gl.vertexAttrib4f(2, 0, 0, 0, 1);
		const paint = (array, mode, tint, kind = gl.TRIANGLES) => {
			gl.bindVertexArray(array.vao);
			gl.uniform1i(uniforms.mode, mode);
			gl.uniform3fv(uniforms.tint, tint);
			array.instances ? gl.drawElementsInstanced(kind, array.count, array.type, 0, array.instances) : gl.drawElements(kind, array.count, array.type, 0);
		};
		const tint = (name) => rgb(classColor(name, this.page.classes)).map((value) => value / 255);
		paint(this.frameLines, 1, [0.45, 0.47, 0.52], gl.LINES);
		for (const [name, entry] of this.meshes) if (entry.isOn) for (const part of entry.parts) paint(part, 0, tint(name));
		for (const [name, entry] of this.balls) if (entry.isOn && entry.array.instances) paint(entry.array, 0, tint(name));
		if (this.hasPlane && this.plane) { gl.bindTexture(gl.TEXTURE_2D, this.texture); paint(this.plane, 2, [1, 1, 1]); }
		gl.bindVertexArray(null);
		canvas.dataset.triangles = [...this.meshes.values()].reduce((sum, entry) => sum + (entry.triangles ?? 0), 0);
	}
}

// Matrices of 4 × 4, column by column

function multiply(a, b) {
	const result = new Float32Array(16);
	for (let column = 0; column < 4; column += 1) {
		for (let row = 0; row < 4; row += 1) for (let k = 0; k < 4; k += 1) result[4 * column + row] += a[4 * k + row] * b[4 * column + k];
	}
	return result;
}
const translation = ([x, y, z]) => new Float32Array([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, x, y, z, 1]);
const turnX = (angle) => new Float32Array([1, 0, 0, 0, 0, Math.cos(angle), Math.sin(angle), 0, 0, -Math.sin(angle), Math.cos(angle), 0, 0, 0, 0, 1]);
const turnY = (angle) => new Float32Array([Math.cos(angle), 0, -Math.sin(angle), 0, 0, 1, 0, 0, Math.sin(angle), 0, Math.cos(angle), 0, 0, 0, 0, 1]);
function perspective(angle, aspect, near, far) {
	const size = 1 / Math.tan(angle / 2);
	return new Float32Array([size / aspect, 0, 0, 0, 0, size, 0, 0, 0, 0, (far + near) / (near - far), -1, 0, 0, (2 * far * near) / (near - far), 0]);
}
