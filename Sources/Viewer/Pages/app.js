// The frame of all pages: header, routes, events of the server, keys. One page is open at a time, as the address after # says.

import { forgetSession, listen, session } from "./api.js";
import { append, button, complain, dialog, fill, grow, h, icon } from "./dom.js";

const pages = {
	"": { name: "Collection", load: () => import("./collection.js") },
	numbers: { name: "Numbers", load: () => import("./numbers.js") },
	runs: { name: "Runs", load: () => import("./runs.js") },
	sql: { name: "SQL", load: () => import("./sql.js") },
	t: { name: "Tomogram", load: () => import("./tomogram.js"), hidden: true },
};

const header = document.getElementById("header");
const main = document.getElementById("main");
const links = new Map();
const catalogName = h("span.catalog");
const badge = h("span.badge", { hidden: true, title: "Nothing can be changed from this page" }, "read-only");
const live = h("a.live", { href: "#/runs", hidden: true });
let page = null;
let pageKey = "";
let opened = 0;

/** What the pages share: the last state of a run, and who listens to the server. */
const events = { run: null, listeners: new Set() };

function route() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
	const [name, ...rest] = path.split("/");
	return { name: name in pages ? name : "", rest, parameters: new URLSearchParams(query ?? "") };
}

async function show() {
	const { name, rest, parameters } = route();
	for (const [key, link] of links) {
		const isHere = key === name || (name === "t" && key === "");
		isHere ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
	}
	if (page && pageKey === `${name}/${rest.join("/")}` && page.update?.(parameters)) return;
	const turn = ++opened;
	page?.close?.();
	page = null;
	document.querySelector("dialog")?.close();
	fill(main, h("p.waiting", "…"));
	main.className = `page-${name || "collection"}`;
	document.title = `${pages[name].name} · Cellar`;
	try {
		const [module, info] = await Promise.all([pages[name].load(), session()]);
		if (turn !== opened) return;
		catalogName.textContent = info.catalog ?? "";
		badge.hidden = !info.readOnly;
		fill(main);
		page = (await module.open(main, { rest, parameters, session: info, events })) ?? {};
		if (turn !== opened) return page.close?.();
		pageKey = `${name}/${rest.join("/")}`;
	} catch (error) {
		if (turn !== opened) return;
		fill(main, h("div.trouble", { role: "alert" }, h("h1", "This page could not be opened"), h("p", error.message),
			button("Try again", "Try again", () => { forgetSession(); show(); })));
	}
}

/** Writes the state of a page into the address, without opening it anew. */
export function remember(path, parameters) {
	const query = parameters.toString();
	history.replaceState(null, "", `#/${path}${query ? `?${query}` : ""}`);
}

function showRun(run) {
	events.run = run;
	live.hidden = !run?.running;
	if (run?.running) {
		const part = run.total > 0 ? run.finished / run.total : 0;
		fill(live, h("span.pulse"), h("span.bar-track", { "aria-hidden": "true" },
			h("span.bar-fill", { style: { width: `${Math.round(part * 100)}%` } })),
			h("span", `${run.step ?? "run"} ${run.finished ?? 0} / ${run.total ?? "?"}`));
		live.title = `A run is under way: ${run.step ?? ""} ${run.tomogram ?? ""}`.trim();
	}
	for (const listener of events.listeners) listener("run", run);
}

const keys = [
	["?", "this help"], ["g c · g n · g r · g s", "collection, numbers, runs, SQL"], ["/", "filter line"],
	["↑ ↓ Enter", "walk through a table, open"], null,
	["wheel · ← → · Page", "slices, one or ten"], ["Home · End", "first, last slice"], ["x · y · z", "axis that is cut"],
	["ctrl+wheel · + −", "zoom"], ["0 · 1", "fit; one voxel per pixel"], ["drag · shift+arrows", "move the picture"],
	["right drag · shift+drag", "contrast: middle and width"], ["i", "light and dark exchanged"], ["[ · ]", "begin and end a slab here"],
	["c · , · .", "compare A and B, and move the line"], ["h", "hide what lies over the slice, while held"], ["n · p", "next, previous particle"],
	["a · r", "accept, reject the particle"], ["m · Enter", "add particles, at the cross"], ["ctrl+z", "take back the last change"], ["v", "slices, or three dimensions"], null,
	["ctrl+Enter", "run the SQL"],
];

function help() {
	dialog("Keys", h("dl.keys", keys.map((entry) =>
		entry ? [h("dt", entry[0].split(" · ").map((key, index) => [index ? " · " : "", h("kbd", key)])), h("dd", entry[1])] :
			[h("dt.gap"), h("dd.gap")])));
}

let prefix = 0;
document.addEventListener("keydown", (event) => {
	const target = event.target;
	const types = target.closest?.("input:not([type=range]):not([type=checkbox]), textarea, select, dialog");
	if (types || event.ctrlKey || event.metaKey || event.altKey) {
		if ((event.ctrlKey || event.metaKey) && event.key === "z" && !types && page?.undo) { event.preventDefault(); page.undo(); }
		return;
	}
	if (event.key === "?") { event.preventDefault(); return help(); }
	if (Date.now() - prefix < 1200) {
		prefix = 0;
		const goal = { c: "#/", n: "#/numbers", r: "#/runs", s: "#/sql" }[event.key];
		if (goal) { event.preventDefault(); location.hash = goal; return; }
	}
	if (event.key === "g") { prefix = Date.now(); return; }
	if (page?.onKey?.(event)) event.preventDefault();
});

append(header, [
	h("a.brand", { href: "#/", "aria-label": "Cellar: collection" }, icon("cellar"), h("span", "cellar")), catalogName,
	h("nav", { "aria-label": "Pages" }, Object.entries(pages).filter(([, entry]) => !entry.hidden).map(([key, entry]) => {
		const link = h("a", { href: `#/${key}` }, entry.name);
		links.set(key, link);
		return link;
	})), grow(), live, badge, button("?", "Keys", help, { class: "quiet round" }),
]);

window.addEventListener("hashchange", show);
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
window.addEventListener("unhandledrejection", (event) => { event.preventDefault(); complain(event.reason); });
listen({
	run: showRun,
	catalog: (data) => {
		forgetSession();
		for (const listener of events.listeners) listener("catalog", data);
	},
	state: (isConnected) => document.documentElement.classList.toggle("offline", !isConnected),
});
show();
