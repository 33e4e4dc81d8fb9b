// What stands beside the pointer: coordinates, the density, and what was found there.

import { h, number } from "./dom.js";
import { planes } from "./view.js";

/** The parts of the line for a place in the plane that is shown, in voxels; null beyond the tomogram. */
export function readout(page, place) {
	const [u, v] = planes[page.axis];
	const voxel = { [u]: Math.floor(place[0]), [v]: Math.floor(place[1]), [page.axis]: page.index };
	if (voxel[u] < 0 || voxel[v] < 0 || voxel[u] >= page.shape[u] || voxel[v] >= page.shape[v]) return null;
	const axes = ["x", "y", "z"];
	const parts = [h("span", axes.map((axis) => [h("i", axis), ` ${voxel[axis]} `]))];
	if (page.voxelSize) parts.push(h("span", `${axes.map((axis, index) => (voxel[axis] * page.voxelSize[index]).toFixed(0)).join(", ")} Å`));
	const read = (slice, level) => {
		const [x, y] = [Math.floor(place[0] / 2 ** level), Math.floor(place[1] / 2 ** level)];
		return x < slice.width && y < slice.height ? slice.bytes[y * slice.width + x] : undefined;
	};
	const value = (slice, byte, digits) => number(slice.low + (byte / 255) * (slice.high - slice.low), digits);
	const byte = page.shown && page.shownIndex === page.index ? read(page.shown, page.level) : undefined;
	if (byte !== undefined) parts.push(h("span", value(page.shown, byte, 3)));
	for (const { layer, slice, level } of page.drawnLayers.slice(0, 4)) {
		const found = slice ? read(slice, level) : undefined;
		if (!found) continue;
		const name = layer.kind === "labels" && layer.values?.find((other) => other.value === found)?.name;
		parts.push(h("span.found", name || `${layer.label} ${layer.kind === "labels" ? found : value(slice, found, 2)}`));
	}
	return parts;
}
