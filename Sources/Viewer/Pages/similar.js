// "More like this": pictures of the particles of the collection that are most like one; those that are chosen are added to a class.

import { address, get, post, remove } from "./api.js";
import { bar, button, choice, complain, count, dialog, faint, fill, grow, h, plural } from "./dom.js";

/** Opens the gallery. @param page the page of the tomogram, @param point a particle of the picker */
export function showSimilar(page, point) {
	const chosen = new Set();
	const grid = h("div.gallery", { role: "group", "aria-label": "Particles, the most alike first" });
	const note = faint("…");
	const name = h("input", { type: "text", list: "likeclasses", "aria-label": "Class", placeholder: "class", value: point.class });
	const add = button("", "", () => addChosen(), { class: "primary" });
	let [particles, isAdding] = [[], false];
	const tell = () => {
		add.textContent = `Add ${plural(chosen.size, "particle")}`;
		add.disabled = isAdding || chosen.size === 0;
	};
	const choose = (from, isOn) => {
		for (const [place, figure] of [...grid.children].entries()) {
			if (!from(place)) continue;
			isOn ? chosen.add(place) : chosen.delete(place);
			figure.firstChild.setAttribute("aria-pressed", isOn ? "true" : "false");
		}
		tell();
	};
	const figure = (like, place) => {
		const { tomogram, x, y, z, side } = like;
		const where = `${like.dataset}/${like.name} #${like.number}, ${like.class}`;
		const alike = typeof like.alike === "number" && place > 0 ? ` · ${Math.round(100 * like.alike)} %` : "";
		return h("figure", h("button.bare", { "aria-pressed": "false", title: where, onclick: () => choose((other) => other === place, !chosen.has(place)) },
			h("img", { src: address(`tomograms/${tomogram}/picture`, { x, y, z, side }), alt: where, width: 96, height: 96 })),
		h("figcaption", h("a", { href: `#/t/${tomogram}?${new URLSearchParams({ axis: "z", x: Math.round(x), y: Math.round(y), z: Math.round(z) })}`, title: `Go to ${where}`, onclick: () => box.close() },
			place ? `${like.distance.toFixed(2)}${alike}` : "this one")));
	};
	const load = async (wanted) => {
		try {
			const answer = await get(`tomograms/${page.id}/similar`, { number: point.id, count: wanted }, page.signal);
			({ particles } = answer);
			chosen.clear();
			fill(grid, particles.map(figure));
			fill(note, `The nearest of ${count(answer.compared)} by their descriptors.`,
				particles[0]?.alike === null ? " Where kinds were found, it says how near is near." : " %: pairs of its kind that are at least as far apart; 50 % is as alike as two of one kind usually are.",
				answer.others ? ` ${plural(answer.others, "tomogram")} left out: what was picked there is not described as it is now.` : "");
			tell();
		} catch (error) {
			fill(note, error.message ?? String(error));
		}
	};
	const addChosen = async () => {
		if (isAdding || page.changes.refuses()) return;
		const [label, ids] = [name.value.trim(), []];
		const own = [...chosen].map((place) => particles[place]);
		isAdding = true;
		tell();
		try {
			for (const { tomogram, x, y, z } of own) ids.push((await post("curation", { tomogram, class: label, x, y, z, verdict: "added" })).id);
			box.close();
		} catch (error) { complain(error); }
		isAdding = false;
		tell();
		if (ids.length === 0) return;
		const show = () => page.particles.load(true);
		page.changes.push(`added ${plural(ids.length, label)}`, async () => {
			try {
				// One that somebody took back meanwhile is no reason to keep the others.
				for (const id of ids.reverse()) await remove(`curation/${id}`).catch((error) => { if (error.status !== 404) throw error; });
			} finally { show(); }
		});
		show();
	};
	const box = dialog(`More like this ${point.class}`,
		bar(choice("How many", [24, 48, 96, 192], 48, load), button("All", "Choose all", () => choose(() => true, true)), button("None", "Choose none", () => choose(() => true, false)), grow(),
			page.isReadOnly ? null : [name, h("datalist", { id: "likeclasses" }, page.classes.map((value) => h("option", { value }))), add]),
		note, grid);
	box.classList.add("wide");
	tell();
	load(48);
}
