// Surfaces from files: glTF 2.0 in one binary file, as the server writes it, with indices and normals. And the ball that stands for a particle.

const sizes = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
const types = { 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };

/** The triangles of a file: `{positions, normals, indices}` each. Throws a sentence where it is none. */
export function readGLB(data) {
	const view = new DataView(data);
	if (data.byteLength < 20 || view.getUint32(0, true) !== 0x46546c67 || view.getUint32(4, true) !== 2) throw new Error("The surface came in a format that is not glTF 2.0.");
	let json = null;
	let bytes = new ArrayBuffer(0);
	for (let place = 12; place + 8 <= data.byteLength;) {
		const length = view.getUint32(place, true);
		const kind = view.getUint32(place + 4, true);
		if (kind === 0x4e4f534a) json = JSON.parse(new TextDecoder().decode(new Uint8Array(data, place + 8, length)));
		else if (kind === 0x004e4942) bytes = data.slice(place + 8, place + 8 + length);
		place += 8 + length;
	}
	const read = (index) => {
		const accessor = json.accessors[index];
		const part = json.bufferViews[accessor.bufferView];
		return new types[accessor.componentType](bytes, (part.byteOffset ?? 0) + (accessor.byteOffset ?? 0), accessor.count * sizes[accessor.type]);
	};
	return (json?.meshes ?? []).flatMap((mesh) => mesh.primitives).map((primitive) => {
		const positions = read(primitive.attributes.POSITION);
		return { positions, normals: read(primitive.attributes.NORMAL), indices: read(primitive.indices) };
	});
}

/** A ball of radius 1: an icosahedron whose triangles are divided some times. */
export function ballMesh(divisions) {
	const t = (1 + Math.sqrt(5)) / 2;
	const points = [[-1, t, 0], [1, t, 0], [-1, -t, 0], [1, -t, 0], [0, -1, t], [0, 1, t], [0, -1, -t], [0, 1, -t], [t, 0, -1], [t, 0, 1], [-t, 0, -1], [-t, 0, 1]];
	let faces = [[0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4], [11, 10, 2], [10, 7, 6], [7, 1, 8], [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7], [9, 8, 1]];
	for (let round = 0; round < divisions; round += 1) {
		const middles = new Map();
		const middle = (a, b) => {
			const key = a < b ? a * 4096 + b : b * 4096 + a;
			if (!middles.has(key)) middles.set(key, points.push(points[a].map((value, axis) => (value + points[b][axis]) / 2)) - 1);
			return middles.get(key);
		};
		faces = faces.flatMap(([a, b, c]) => {
			const [d, e, f] = [middle(a, b), middle(b, c), middle(c, a)];
			return [[a, d, f], [b, e, d], [c, f, e], [d, e, f]];
		});
		for (const point of points) { const length = Math.hypot(...point); point.forEach((value, axis) => { point[axis] = value / length; }); }
	}
	const positions = new Float32Array(points.flat());
	return { positions, normals: positions, indices: new Uint16Array(faces.flat()) };
}
