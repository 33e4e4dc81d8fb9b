// Runs: what is under way, how training goes, what failed and why, and where the time went.

import { get, rowsOf } from "./api.js";
import { append, count, debounce, duration, faint, fill, h, number, plural, setStyle, swatch, time } from "./dom.js";
import { ticks } from "./numbers.js";
import { palette } from "./palette.js";

export async function open(main, { events }) {
	const controller = new AbortController();
	const { signal } = controller;
	const part = (title, className = "") => {
		const body = h("div.cardbody", h("p.waiting", "…"));
		return { body, element: h("section", { class: `card ${className}` }, h("h2", title), body) };
	};
	const now = part("Now", "now");
	const failures = part("Failures", "wide");
	const curves = part("Training");
	const steps = part("Time by step");
	const plan = part("What a run would do");
	const runs = part("Runs", "wide");
	append(main, [h("h1.offscreen", "Runs"), h("div.cards", [now, plan, curves, steps, failures, runs].map((entry) => entry.element))]);

	const trouble = (place) => (error) => { if (error.name !== "AbortError") fill(place.body, h("p.error", error.message)); };
	const query = async (sql, limit = 1000) => {
		const answer = await get("query", { sql, format: "json", limit }, signal);
		return answer.rows.map((row) => Object.fromEntries(answer.columns.map((name, index) => [name, row[index]])));
	};

	let rate = [];
	function showRun(run) {
		if (!run?.running) {
			rate = [];
			return fill(now.body, faint("No run is under way. `cellar run` computes what is stale; this page follows it."));
		}
		rate = [...rate.filter(([, finished]) => finished <= run.finished), [Date.now(), run.finished]].slice(-60);
		const [[t0, n0], [t1, n1]] = [rate[0], rate[rate.length - 1]];
		const speed = t1 > t0 && n1 > n0 ? ((n1 - n0) * 1000) / (t1 - t0) : null;
		const done = run.total > 0 ? run.finished / run.total : 0;
		fill(now.body, h("p.big", h("span.pulse"), `${run.step ?? "…"} `, h("span.faint", run.tomogram ?? "")),
			h("progress", { max: 1, value: done, "aria-label": "Progress of the run" }),
			h("p", run.total ? `${count(run.finished)} of ${count(run.total)} items · ${Math.round(100 * done)} %` : `${count(run.finished ?? 0)} items`, speed && run.total ? h("span.faint", ` · ${speed >= 1 ? `${number(speed, 2)} a second` : `${duration(1 / speed)} each`} · about ${duration((run.total - run.finished) / speed)} left`) : null));
	}

	function table(columns, rows, empty) {
		if (rows.length === 0) return faint(empty);
		return h("div.scrollx", { tabindex: 0, role: "region", "aria-label": columns.map(([title]) => title).join(", ") }, h("table.plain", h("thead", h("tr", columns.map(([title, , isNumber]) => h("th", { scope: "col", class: isNumber ? "num" : "" }, title)))),
			h("tbody", rows.map((row) => h("tr", columns.map(([, cell, isNumber]) => h("td", { class: isNumber ? "num" : "" }, cell(row))))))));
	}

	function load() {
		get("runs", { limit: 50 }, signal).then((answer) => fill(runs.body, table([
			["#", (run) => run.id, true], ["begun", (run) => time(run.started_at)], ["took", (run) => (run.ended_at ? duration((new Date(run.ended_at) - new Date(run.started_at)) / 1000) : ""), true],
			["state", (run) => h("span", { class: `state ${run.status}` }, run.status)], ["done", (run) => count(run.done ?? 0), true], ["failed", (run) => run.failed || "", true], ["skipped", (run) => run.skipped || "", true],
			["host", (run) => run.host], ["command", (run) => h("code", run.command ?? "")]], rowsOf(answer), "Nothing has run yet."))).catch(trouble(runs));
		get("failures", {}, signal).then((answer) => {
			const rows = rowsOf(answer);
			const failed = rows.filter((row) => row.status !== "skipped");
			const skipped = rows.length - failed.length;
			fill(failures.body, table([["step", (row) => h("b", row.step)], ["where", (row) => row.tomogram_id ? h("a", { href: `#/t/${row.tomogram_id}?z=${row.z_first ?? ""}` }, row.tomogram, Number.isInteger(row.z_first) ? ` z ${row.z_first}` : "") : row.training_set ?? ""],
				["why", (row) => h("span.error", row.error)], ["when", (row) => time(row.started_at)]], failed.slice(0, 200), "Nothing has failed."), skipped ? faint(`${plural(skipped, "item")} skipped because of what failed before.`) : null);
		}).catch(trouble(failures));
		query("SELECT step, count(*) AS items, sum(seconds) AS seconds, avg(seconds) AS mean, max(seconds) AS longest FROM v_step GROUP BY step ORDER BY seconds DESC").then((rows) => {
			const most = Math.max(1e-9, ...rows.map((row) => row.seconds ?? 0));
			fill(steps.body, rows.length ? h("div.bars", rows.map((row) => {
				const bar = h("span.namebar");
				setStyle(bar, { width: `${(100 * (row.seconds ?? 0)) / most}%` });
				return h("div.namerow", { title: `${plural(row.items, "item")}, ${duration(row.mean)} each, ${duration(row.longest)} at most` }, bar, h("span.nametext", row.step), h("span.faint", `${count(row.items)} × ${duration(row.mean)}`), h("span.num", duration(row.seconds)));
			})) : faint("Nothing has been computed yet."));
		}).catch(trouble(steps));
		get("plan", {}, signal).then((answer) => {
			const rows = rowsOf(answer);
			const cell = (name) => (row) => (row[name] ? count(row[name]) : "");
			fill(plan.body, table([["step", (row) => h("b", row.step)], ["items", cell("items"), true], ["fresh", cell("fresh"), true], ["stale", (row) => row.stale ? h("span.state.stale", count(row.stale)) : "", true], ["waiting", cell("waiting"), true], ["failed", (row) => row.failed ? h("span.state.failed", count(row.failed)) : "", true], ["time", (row) => duration(row.estimated_seconds), true]], rows, "There is nothing to compute yet."));
		}).catch(trouble(plan));
		loadCurves();
	}

	function loadCurves() {
		query("SELECT step, training_set, name, x, value, state FROM v_curve WHERE state <> 'earlier' ORDER BY step, training_set, name, x", 20000).then((rows) => {
			const groups = new Map();
			for (const row of rows) {
				const key = `${row.step} · ${row.training_set ?? ""}`;
				if (!groups.has(key)) groups.set(key, { isRunning: false, lines: new Map() });
				const group = groups.get(key);
				group.isRunning ||= row.state === "running";
				if (!group.lines.has(row.name)) group.lines.set(row.name, []);
				group.lines.get(row.name).push([row.x, row.value]);
			}
			fill(curves.body, groups.size ? [...groups].map(([title, group]) => h("figure.curve", h("figcaption", title, group.isRunning ? h("span.state.running", "running") : null), curvePlot(group.lines, title))) : faint("No network has been trained yet."));
		}).catch(trouble(curves));
	}

	const again = debounce(load, 1000);
	let lastCurves = 0;
	const onEvent = (kind, data) => {
		if (kind === "run") {
			showRun(data);
			if (data?.running && Date.now() - lastCurves > 5000) { lastCurves = Date.now(); loadCurves(); }
		} else again();
	};
	events.listeners.add(onEvent);
	showRun(events.run);
	load();
	return { close() { events.listeners.delete(onEvent); controller.abort(); } };
}

/** Lines over epochs, with their last values as a legend. */
function curvePlot(lines, title) {
	const [width, height, left, bottom] = [520, 180, 44, 20];
	const all = [...lines.values()].flat().filter(([, value]) => Number.isFinite(value));
	const [x0, x1] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x), 1)];
	const [y0, y1] = [Math.min(0, ...all.map(([, value]) => value)), Math.max(...all.map(([, value]) => value), 1e-6)];
	const toX = (x) => left + ((x - x0) / (x1 - x0 || 1)) * (width - left - 8);
	const toY = (y) => height - bottom - ((y - y0) / (y1 - y0 || 1)) * (height - bottom - 8);
	const svg = h("svg", { viewBox: `0 0 ${width} ${height}`, class: "curveplot", role: "img", "aria-label": title });
	for (const value of ticks(y0, y1, 4)) append(svg, [h("line.grid", { x1: left, x2: width - 8, y1: toY(value), y2: toY(value) }), h("text", { x: left - 5, y: toY(value) + 3, "text-anchor": "end" }, number(value, 3))]);
	for (const value of ticks(x0, x1, 6)) append(svg, [h("text", { x: toX(value), y: height - 4, "text-anchor": "middle" }, number(value, 4))]);
	let index = 0;
	const legend = [];
	for (const [name, points] of lines) {
		const tint = palette[[6, 5, 2, 4, 0, 1, 3][index++ % 7]];
		svg.append(h("polyline", { points: points.filter(([, y]) => Number.isFinite(y)).map(([x, y]) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join(" "), fill: "none", stroke: tint, "stroke-width": 1.8, "vector-effect": "non-scaling-stroke" }, h("title", name)));
		legend.push(h("span", swatch(tint), `${name} ${number(points[points.length - 1]?.[1], 3)}`));
	}
	return [svg, h("div.legend", legend)];
}
