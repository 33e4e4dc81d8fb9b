// SQL over the public views: an editor with the views' documentation beside it, results as a table, a permanent link.

import { address, get } from "./api.js";
import { remember } from "./app.js";
import { append, button, copy, count, faint, fill, grow, h, memory, number } from "./dom.js";

const questions = [
	["How long did each step take?", "SELECT step, count(*) AS items, round(sum(seconds), 1) AS seconds\nFROM v_step GROUP BY step ORDER BY seconds DESC"],
	["Which tomograms have no slab yet?", "SELECT id, dataset, name FROM v_tomogram WHERE slabs = 0"],
	["Which samples are thick?", "SELECT id, dataset, name, thickness_nm, tilt_degrees FROM v_tomogram\nWHERE thickness_nm > 250 ORDER BY thickness_nm DESC"],
	["How many objects of which class?", "SELECT class, sum(count) AS objects, sum(sum) / sum(count) AS volume_nm3\nFROM v_object_summary WHERE measure = 'volume_nm3' GROUP BY class"],
	["What failed lately?", "SELECT step, tomogram_id, tomogram, z_first, error\nFROM v_failure WHERE status = 'failed' ORDER BY started_at DESC"],
];

const words = "SELECT FROM WHERE GROUP ORDER LIMIT NULL JOIN USING COUNT ROUND DISTINCT BETWEEN LIKE DESC HAVING CASE WHEN THEN ELSE END WITH".split(" ");

export async function open(main, { parameters }) {
	const documentation = await get("views").then((answer) => answer.views).catch(() => []);
	const names = [...new Set([...documentation.flatMap((view) => [view.name, ...view.columns.map((column) => column.name)]), ...words])];
	let controller = null;
	const editor = h("textarea.sql", { spellcheck: "false", autocomplete: "off", rows: 5, "aria-label": "SQL", placeholder: "SELECT dataset, name, voxel_size FROM v_tomogram LIMIT 20",
		value: parameters.get("q") ?? memory.get("sql", questions[0][1]), onkeydown: onKey, oninput: suggest, onblur: () => setTimeout(() => { hints.hidden = true; }, 150) });
	const hints = h("div.hints", { hidden: true, "aria-label": "Names that begin so; Tab takes the first" });
	const go = button("Run", "Run the SQL (ctrl+Enter)", run, { icon: "play", class: "primary" });
	const note = h("span.note", { role: "status" });
	const csv = h("a.button", { download: "query.csv", hidden: true }, "CSV");
	const json = h("a.button", { download: "query.json", hidden: true }, "JSON");
	const result = h("div.result", { tabindex: 0, role: "region", "aria-label": "Result" });
	const docs = h("div.doclist");
	const search = h("input", { type: "search", placeholder: "search views and columns", "aria-label": "Search views and columns", oninput: () => drawDocs(search.value.trim().toLowerCase()) });

	append(main, [h("h1.offscreen", "SQL"), h("div.sqlpage",
		h("div.sqlmain", h("div.editor", editor, hints), h("div.bar.sqlbar", go, button("Link", "Copy a permanent link to this query", () => { keep(); copy(location.href, "the link; it needs this server and its cookie"); }, { icon: "link" }), csv, json, grow(), note), result),
		h("aside.docs", { "aria-label": "Views" }, h("details.questions", h("summary", "Questions to begin with"), h("ul.plainlist", questions.map(([title, sql]) => h("li", h("button.textlink", { onclick: () => { editor.value = sql; run(); } }, title))))), search, docs))]);

	function keep() {
		const address_ = new URLSearchParams();
		address_.set("q", editor.value);
		remember("sql", address_);
		memory.set("sql", editor.value);
	}

	async function run() {
		const sql = editor.value.trim().replace(/;\s*$/, "");
		hints.hidden = true;
		if (!sql) return;
		keep();
		controller?.abort();
		controller = new AbortController();
		const started = performance.now();
		note.textContent = "…";
		editor.classList.remove("wrong");
		try {
			const answer = await get("query", { sql, format: "json", limit: 1000 }, controller.signal);
			note.textContent = `${count(answer.rows.length)} row${answer.rows.length === 1 ? "" : "s"}${answer.truncated ? ", and more" : ""} · ${Math.round(performance.now() - started)} ms`;
			draw(answer);
			for (const [link, format] of [[csv, "csv"], [json, "json"]]) { link.href = address("query", { sql, format, limit: 1000000 }); link.hidden = false; }
		} catch (error) {
			if (error.name === "AbortError") return;
			note.textContent = "";
			editor.classList.add("wrong");
			csv.hidden = json.hidden = true;
			fill(result, h("p.error", { role: "alert" }, error.message));
		}
	}

	function draw({ columns, rows }) {
		if (rows.length === 0) return fill(result, faint("No row."));
		const numeric = columns.map((_, place) => rows.every((row) => row[place] === null || typeof row[place] === "number"));
		const isTomogram = columns.map((name) => name === "tomogram_id" || (name === "id" && /\bv_tomogram\b/i.test(editor.value)));
		const cell = (value, place) => {
			if (value === null) return h("td", { class: numeric[place] ? "num none" : "none" }, "NULL");
			if (isTomogram[place] && Number.isInteger(value)) return h("td.num", h("a", { href: `#/t/${value}` }, value));
			return h("td", { class: numeric[place] ? "num" : "", title: typeof value === "string" && value.length > 60 ? value : null }, numeric[place] ? number(value, 6) : value);
		};
		fill(result, h("table.plain", h("thead", h("tr", columns.map((name, place) => h("th", { scope: "col", class: numeric[place] ? "num" : "" }, name)))),
			h("tbody", rows.map((row) => h("tr", row.map(cell))))));
	}

	// Names are completed from the views

	function word() {
		const before = editor.value.slice(0, editor.selectionStart);
		return before.match(/[A-Za-z_][A-Za-z0-9_]*$/)?.[0] ?? "";
	}

	function suggest() {
		const start = word();
		const found = start.length < 2 ? [] : names.filter((name) => name.toLowerCase().startsWith(start.toLowerCase()) && name.toLowerCase() !== start.toLowerCase()).slice(0, 7);
		hints.hidden = found.length === 0;
		fill(hints, found.map((name) => h("button", { tabindex: -1, onmousedown: (event) => { event.preventDefault(); insert(name, start.length); } }, name)));
	}

	function insert(name, replaced = 0) {
		const end = editor.selectionStart;
		editor.setRangeText(name, end - replaced, editor.selectionEnd, "end");
		hints.hidden = true;
		editor.focus();
	}

	function onKey(event) {
		if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); return run(); }
		if (hints.hidden) return;
		if (event.key === "Escape") { hints.hidden = true; event.stopPropagation(); }
		else if (event.key === "Tab" && !event.shiftKey) { event.preventDefault(); insert(hints.firstChild.textContent, word().length); }
	}

	function drawDocs(wanted) {
		fill(docs, documentation.map((view) => {
			const columns = view.columns.filter((column) => !wanted || view.name.includes(wanted) || column.name.includes(wanted) || (column.meaning ?? "").toLowerCase().includes(wanted));
			if (wanted && columns.length === 0) return null;
			return h("details", { open: Boolean(wanted) || (!wanted && view.name === "v_tomogram") }, h("summary", h("code", view.name)),
				faint(plain(view.about)), h("dl.columns", columns.map((column) => [h("dt", h("button.textlink.code", { title: `Insert ${column.name}`, onclick: () => insert(column.name) }, column.name), h("small", [column.type, column.unit].filter(Boolean).join(", "))), h("dd", plain(column.meaning))])));
		}));
	}

	drawDocs("");
	if (parameters.get("q")) run();
	else editor.focus({ preventScroll: true });
	return {
		update(next) {
			if (next.get("q") !== null && next.get("q") !== editor.value) { editor.value = next.get("q"); run(); }
			return true;
		},
		onKey(event) { if (event.key !== "/") return false; search.focus(); return true; },
		close() { controller?.abort(); },
	};
}

/** Text of the documentation without its marks of code. */
const plain = (text) => (text ?? "").replaceAll("`", "");
