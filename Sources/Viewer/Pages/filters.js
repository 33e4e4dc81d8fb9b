// Which tomograms the pages are about: a line of SQL, and facets that are brushed. Collection and Numbers share them.

export const isName = (text) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
export const quoted = (text) => `'${String(text).replaceAll("'", "''")}'`;

/** What a metric's column `STEP/NAME` is made of; null for a column of v_tomogram. */
export function metricOf(column) {
	const slash = column.indexOf("/");
	return slash < 0 ? null : { step: column.slice(0, slash), name: column.slice(slash + 1) };
}

/** A condition on a column as SQL over v_tomogram. */
export function condition(column, facet) {
	const metric = metricOf(column);
	const subject = metric ? "value" : isName(column) ? column : `"${column.replaceAll('"', '""')}"`;
	let test;
	if (facet.values) test = `${subject} IN (${facet.values.map(quoted).join(", ")})`;
	else if (facet.missing) test = `${subject} IS NULL`;
	else test = `${subject} BETWEEN ${facet.low} AND ${facet.high}`;
	if (!metric) return test;
	return `id IN (SELECT tomogram_id FROM v_metric WHERE step = ${quoted(metric.step)} AND name = ${quoted(metric.name)} AND ${test})`;
}

class Filters {
	text = "";
	facets = new Map();
	listeners = new Set();

	/** The whole as SQL; without the facets of some columns, for their own plots. */
	where(...without) {
		const text = this.text.trim();
		const parts = [];
		for (const [column, facet] of this.facets) if (!without.includes(column)) parts.push(condition(column, facet));
		if (text) parts.unshift(parts.length > 0 ? `(${text})` : text);
		return parts.join(" AND ");
	}

	setText(text) {
		if (text === this.text) return;
		this.text = text;
		this.changed("text");
	}

	setFacet(column, facet) {
		if (facet) this.facets.set(column, facet);
		else if (!this.facets.delete(column)) return;
		this.changed(column);
	}

	clear() {
		this.text = "";
		this.facets.clear();
		this.changed("all");
	}

	changed(what) { for (const listener of this.listeners) listener(what); }

	/** Calls `listener(what)` at each change; returns a function that ends it. */
	listen(listener) {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}

	/** For addresses. */
	write(parameters) {
		if (this.text) parameters.set("where", this.text);
		if (this.facets.size) parameters.set("facets", JSON.stringify([...this.facets]));
	}

	read(parameters) {
		if (!parameters.has("where") && !parameters.has("facets")) return;
		this.text = parameters.get("where") ?? "";
		this.facets = new Map();
		try {
			for (const [column, facet] of JSON.parse(parameters.get("facets") ?? "[]")) {
				const isRange = Number.isFinite(facet?.low) && Number.isFinite(facet?.high);
				if (typeof column === "string" && (isRange || Array.isArray(facet?.values))) this.facets.set(column, facet);
			}
		} catch { /* a mistyped address has no facets */ }
		this.changed("all");
	}
}

export const filters = new Filters();

/** What a facet says, as people read it. */
export function facetText(column, facet, format) {
	if (facet.values) return `${column}: ${facet.values.length > 2 ? `${facet.values.length} names` : facet.values.join(", ")}`;
	return `${column}: ${format(facet.low)} – ${format(facet.high)}`;
}
