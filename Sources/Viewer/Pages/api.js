// What the server answers: JSON, slices as bytes, events. Every error is one sentence.

export class ServerError extends Error {
	constructor(message, status) {
		super(message);
		this.status = status;
	}
}

/** The address of a resource of /api/v1; parameters that are null, undefined or empty are left out. */
export function address(path, parameters = {}) {
	const query = new URLSearchParams();
	for (const [key, value] of Object.entries(parameters)) {
		if (value !== null && value !== undefined && value !== "") query.set(key, value);
	}
	const text = query.toString();
	return `/api/v1/${path}${text ? `?${text}` : ""}`;
}

async function request(url, options = {}) {
	let response;
	try {
		response = await fetch(url, { credentials: "same-origin", ...options });
	} catch (error) {
		if (error.name === "AbortError") throw error;
		throw new ServerError("The server does not answer; is `cellar serve` still running?", 0);
	}
	if (response.ok) return response;
	let sentence = `The server answered ${response.status}.`;
	try { sentence = (await response.json()).error ?? sentence; } catch { /* no JSON */ }
	if (response.status === 401) sentence = "This page's session is over; open the address that `cellar serve` printed.";
	throw new ServerError(sentence, response.status);
}

export async function get(path, parameters, signal) {
	return (await request(address(path, parameters), { signal })).json();
}

export async function text(path, parameters, signal) {
	return (await request(address(path, parameters), { signal })).text();
}

export async function buffer(path, parameters, signal) {
	return (await request(address(path, parameters), { signal })).arrayBuffer();
}

/** A slice: `{width, height, bytes, low, high}`. */
export async function slice(url, signal) {
	const response = await request(url, { signal });
	const [low, high] = (response.headers.get("X-Cellar-Range") ?? "0 255").split(/[ ,]+/).map(Number);
	const width = Number(response.headers.get("X-Cellar-Width"));
	const height = Number(response.headers.get("X-Cellar-Height"));
	const bytes = new Uint8Array(await response.arrayBuffer());
	if (!(width > 0) || bytes.length !== width * height) throw new ServerError("A slice came with a wrong size.", 0);
	return { width, height, bytes, low, high };
}

const json = { "Content-Type": "application/json" };
export async function post(path, body) {
	return (await request(address(path), { method: "POST", headers: json, body: JSON.stringify(body) })).json();
}
export async function remove(path) {
	return (await request(address(path), { method: "DELETE", headers: json })).json();
}

let sessionPromise = null;
export function session() {
	sessionPromise ??= get("session").catch((error) => { sessionPromise = null; throw error; });
	return sessionPromise;
}
export function forgetSession() { sessionPromise = null; }

let columnsPromise = null;
/** Columns of tomograms by name: `{name, type, unit, meaning, group}`. */
export function columns() {
	columnsPromise ??= get("columns").then((answer) => answer.columns.map((column) => ({ ...column, meaning: (column.meaning ?? "").replaceAll("`", "") }))).catch((error) => { columnsPromise = null; throw error; });
	return columnsPromise;
}

/** Rows of an answer that is a list, or an object with rows. */
export const rowsOf = (answer) => (Array.isArray(answer) ? answer : answer.rows ?? answer.failures ?? answer.runs ?? answer.steps ?? []);

/** The address for other programs: OME-Zarr, with the token where the session names one. */
export function zarrAddress(info, tomogram) {
	const path = `/zarr/${encodeURIComponent(tomogram.dataset)}/${encodeURIComponent(tomogram.name)}.zarr`;
	return `${location.origin}${info.shareToken ? `/t/${encodeURIComponent(info.shareToken)}` : ""}${path}`;
}

/** Listens to the server while the page is seen: tabs share six connections. `handlers` has `catalog`, `run` and `state` (is it there). */
export function listen(handlers) {
	const parse = (action) => (event) => {
		try { action?.(JSON.parse(event.data)); } catch { /* not for us */ }
	};
	// The first tells how the catalog stands, which the page asked for itself.
	let isKnown, source;
	const hear = () => {
		source?.close();
		if (document.hidden) return;
		source = new EventSource("/api/v1/events");
		source.addEventListener("catalog", parse((data) => { if (isKnown) handlers.catalog(data); isKnown = true; }));
		source.addEventListener("run", parse(handlers.run));
		source.onopen = () => handlers.state?.(true);
		source.onerror = () => handlers.state?.(false);
	};
	document.addEventListener("visibilitychange", hear);
	hear();
}
