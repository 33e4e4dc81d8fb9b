// Colours of what lies over a slice. Okabe and Ito (2008): people with any colour vision tell them apart.

export const palette = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2"];

/** The colour of a class: the same in slices, surfaces, tables and plots. */
export function classColor(name, classes = []) {
	const index = classes.indexOf(name);
	if (index >= 0) return palette[index % palette.length];
	let sum = 0;
	for (const letter of String(name)) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
	return palette[sum % palette.length];
}

export const rgb = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
const packed = (red, green, blue, alpha) => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;

/** Grey values of a density: `low` and `high` are the bytes that are black and white. */
export function greyTable(low, high, isInverted) {
	const table = new Uint32Array(256);
	const width = Math.max(1, high - low);
	for (let byte = 0; byte < 256; byte += 1) {
		let grey = Math.min(255, Math.max(0, Math.round((255 * (byte - low)) / width)));
		if (isInverted) grey = 255 - grey;
		table[byte] = packed(grey, grey, grey, 255);
	}
	return table;
}

const heat = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"].map(rgb);

/** Colours of a layer's bytes. `style` is `grey`, `tint`, `heat` for maps, `fill` or `contour` for labels. */
export function layerTable(layer, style, color, classes) {
	const table = new Uint32Array(256);
	const [red, green, blue] = rgb(color);
	for (let byte = 0; byte < 256; byte += 1) {
		if (layer.kind === "labels") {
			if (byte === 0) continue;
			const name = layer.values?.find((entry) => entry.value === byte)?.name;
			const single = layer.class || (layer.values?.length ?? 0) === 1;
			const own = single ? color : name ? classColor(name, classes) : palette[(byte - 1) % palette.length];
			table[byte] = packed(...rgb(own), 255);
		} else if (style === "grey") table[byte] = packed(byte, byte, byte, 255);
		else if (style === "heat") {
			const place = (byte / 255) * (heat.length - 1);
			const index = Math.min(heat.length - 2, Math.floor(place));
			const part = place - index;
			table[byte] = packed(...[0, 1, 2].map((channel) => Math.round(heat[index][channel] * (1 - part) + heat[index + 1][channel] * part)), 255);
		} else table[byte] = packed(red, green, blue, byte);
	}
	return table;
}

/** Colours a slice. With `contour` only pixels whose neighbour has another value are drawn. */
export function paint(slice, table, canvas, contour = false) {
	const { width, height, bytes } = slice;
	if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
	const context = canvas.getContext("2d");
	if (canvas.pixels?.width !== width || canvas.pixels?.height !== height) canvas.pixels = context.createImageData(width, height);
	const target = new Uint32Array(canvas.pixels.data.buffer);
	if (!contour) for (let index = 0; index < bytes.length; index += 1) target[index] = table[bytes[index]];
	else {
		for (let y = 0, index = 0; y < height; y += 1) {
			for (let x = 0; x < width; x += 1, index += 1) {
				const value = bytes[index];
				const isEdge = value !== 0 && ((x > 0 && bytes[index - 1] !== value) || (x + 1 < width && bytes[index + 1] !== value) ||
					(y > 0 && bytes[index - width] !== value) || (y + 1 < height && bytes[index + width] !== value));
				target[index] = isEdge ? table[value] : 0;
			}
		}
	}
	context.putImageData(canvas.pixels, 0, 0);
}
