// Elements, numbers as people read them, and messages. Text from the server goes into text nodes only, never into HTML.

const svgNames = new Set(["svg", "path", "g", "rect", "line", "circle", "polyline", "text", "title"]);

/** Makes an element: `h("p.note", {…}, children)`. `on…` properties are listeners, `style` is an object set by the CSSOM, the rest are attributes. */
export function h(name, ...children) {
	const [tag, ...classes] = name.split(".");
	const element = svgNames.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
	if (classes.length) element.setAttribute("class", classes.join(" "));
	const properties = children[0]?.constructor === Object ? children.shift() : {};
	for (const [key, value] of Object.entries(properties)) {
		if (value === null || value === undefined || (value === false && !key.startsWith("aria-"))) continue;
		if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
		else if (key === "style") setStyle(element, value);
		else if (key === "value" || key === "checked") element[key] = value;
		else element.setAttribute(key, value === true && !key.startsWith("aria-") ? "" : value);
	}
	return append(element, children);
}

export function append(element, children) {
	for (const child of children.flat(Infinity)) {
		if (child === null || child === undefined || child === false) continue;
		element.append(child instanceof Node ? child : String(child));
	}
	return element;
}

export function fill(element, ...children) {
	element.replaceChildren();
	return append(element, children);
}

export function setStyle(element, values) {
	for (const [key, value] of Object.entries(values)) element.style.setProperty(key, value);
}

export const grow = () => h("span.grow");
export const bar = (...children) => h("div.bar", ...children);
export const faint = (...children) => h("p.faint", ...children);
export const part = (...children) => h("section.panelpart", ...children);
/** A box to tick, with what it says. */
export const tick = (checked, action, ...label) =>
	h("label.check", h("input", { type: "checkbox", checked, onchange: (event) => action(event.target.checked) }), ...label);
export const swatch = (background) => h("i.swatch", { style: { background } });

const iconPaths = {
	cellar: "M2 14V8a6 6 0 0 1 12 0v6h-3V8a3 3 0 0 0-6 0v6z", cube: "M8 1.5l6 3v7l-6 3-6-3v-7zM2 4.5l6 3 6-3M8 7.5v7",
	plus: "M8 3v10M3 8h10", minus: "M3 8h10", close: "M4 4l8 8M12 4l-8 8", check: "M3 8.5l3.5 3.5L13 4.5", left: "M10 3L5 8l5 5", right: "M6 3l5 5-5 5",
	fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", columns: "M2 3h12v10H2zM6 3v10M10 3v10", copy: "M5 5h8v9H5zM3 11V2h8", play: "M4 3l9 5-9 5z",
	open: "M9 2h5v5M14 2L7.5 8.5M12 9v5H2V4h5", undo: "M6 3L2.5 6.5 6 10M3 6.5h6.5a4 4 0 0 1 0 8H7", half: "M8 2v12M3 4h3M3 8h3M3 12h3M10 4h3v8h-3z",
	link: "M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5L7.5 13A3 3 0 0 1 3 8.5L4.5 7",
};

export function icon(name) {
	return h("svg.icon", { viewBox: "0 0 16 16", "aria-hidden": "true" }, h("path", { d: iconPaths[name] ?? "" }));
}

/** A button with an icon, a text, or both. `title` is its name for screen readers and its tooltip. */
export function button(content, title, action, properties = {}) {
	const { icon: name, ...rest } = properties;
	return h("button", { title, "aria-label": name && !content ? title : null, onclick: action, ...rest },
		name ? icon(name) : null, content);
}

export function choice(label, options, value, action, properties = {}) {
	return h("select", { "aria-label": label, title: label, onchange: (event) => action(event.target.value), ...properties },
		options.map((option) => {
			const [key, text] = Array.isArray(option) ? option : [option, option];
			const element = h("option", { value: key }, text);
			element.selected = String(key) === String(value);
			return element;
		}));
}

/** Digits that tell, and no more: 0.00123, 12.3, 48213. */
export function number(value, digits = 4) {
	if (value === null || value === undefined) return "";
	if (typeof value !== "number") return String(value);
	if (!Number.isFinite(value)) return String(value);
	if (Number.isInteger(value)) return String(value);
	const size = Math.abs(value);
	if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(Math.max(1, digits - 2));
	return String(Number(value.toPrecision(size >= 10 ** digits ? Math.ceil(Math.log10(size)) : digits)));
}

export const count = (value) => Math.round(value).toLocaleString("en-US").replaceAll(",", "\u202f");
export const plural = (value, word) => `${count(value)} ${word}${value === 1 ? "" : "s"}`;

export function duration(seconds) {
	if (seconds === null || seconds === undefined) return "";
	if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
	if (seconds < 90) return `${number(seconds, 3)} s`;
	const minutes = Math.round(seconds / 60);
	if (minutes < 90) return `${minutes} min`;
	return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** "2026-03-01T10:11:12Z" as "2026-03-01 10:11". */
export const time = (text) => (text ? String(text).replace("T", " ").slice(0, 16) : "");

export function debounce(action, milliseconds) {
	let timer = 0;
	return (...values) => {
		clearTimeout(timer);
		timer = setTimeout(() => action(...values), milliseconds);
	};
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Says a sentence for some seconds, with a button where there is something to undo. */
export function toast(sentence, { kind = "note", action, label } = {}) {
	const box = document.getElementById("toasts");
	const message = h("div", { class: kind === "error" ? "toast bad" : "toast" }, h("span", sentence),
		action ? button(label ?? "Undo", label ?? "Undo", () => { message.remove(); action(); }, { class: "quiet" }) : null,
		button("", "Close", () => message.remove(), { icon: "close", class: "quiet bare" }));
	while (box.children.length > 1) box.firstChild.remove();
	box.append(message);
	setTimeout(() => message.remove(), kind === "error" ? 12000 : 7000);
	return message;
}

export const complain = (error) => { if (error?.name !== "AbortError") toast(error?.message ?? String(error), { kind: "error" }); };

export async function copy(text, what) {
	try {
		await navigator.clipboard.writeText(text);
		toast(`Copied ${what}.`);
	} catch {
		// Browsers give the clipboard to pages over https and on loopback only: the text is there to be selected.
		toast(text);
	}
}

/** Reads and writes what this browser remembers; nothing is lost where it may not. */
export const memory = {
	get(key, fallback) {
		try { return JSON.parse(localStorage.getItem(`cellar.${key}`)) ?? fallback; } catch { return fallback; }
	},
	set(key, value) {
		try { localStorage.setItem(`cellar.${key}`, JSON.stringify(value)); } catch { /* a private window */ }
	},
};

/** A dialog with a title, which Escape and the button close, and which gives the focus back. */
export function dialog(title, ...content) {
	const box = h("dialog", { "aria-label": title, onclose: () => box.remove(), onclick: (event) => { if (event.target === box) box.close(); } },
		h("div.dialog", bar(h("h2", title), grow(),
			button("", "Close", () => box.close(), { icon: "close", class: "quiet bare" })), content));
	document.body.append(box);
	box.showModal();
	return box;
}

/** Calls `move(event, dx, dy)` while a pointer is held, and `end(event, moved)` after. */
export function drag(element, begin, move, end) {
	element.addEventListener("pointerdown", (event) => {
		if (event.button !== 0 && event.pointerType === "mouse" && event.button !== 2 && event.button !== 1) return;
		const state = begin(event);
		if (!state) return;
		const start = [event.clientX, event.clientY];
		let moved = false;
		element.setPointerCapture(event.pointerId);
		const onMove = (other) => {
			if (other.pointerId !== event.pointerId) return;
			if (Math.hypot(other.clientX - start[0], other.clientY - start[1]) > 3) moved = true;
			if (moved) move(other, state);
		};
		const onEnd = (other) => {
			if (other.pointerId !== event.pointerId) return;
			element.removeEventListener("pointermove", onMove);
			element.removeEventListener("pointerup", onEnd);
			element.removeEventListener("pointercancel", onEnd);
			end?.(other, state, moved && other.type === "pointerup");
		};
		element.addEventListener("pointermove", onMove);
		element.addEventListener("pointerup", onEnd);
		element.addEventListener("pointercancel", onEnd);
	});
}

/** The value of a custom property of the page, such as `--accent`. */
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Tabs over panels: `[title, element, opened]` each. Returns the list of tabs, the panels, and a function that shows one. */
export function tabbed(name, list) {
	const [buttons, panels] = [[], []];
	const choose = (place, isFocused) => {
		list.forEach(([, , opened], index) => {
			buttons[index].setAttribute("aria-selected", index === place ? "true" : "false");
			buttons[index].tabIndex = index === place ? 0 : -1;
			panels[index].hidden = index !== place;
			if (index === place) opened?.();
		});
		if (isFocused) buttons[place].focus();
	};
	list.forEach(([title, element], index) => {
		buttons.push(h("button", { role: "tab", id: `tab-${index}`, "aria-controls": `panel-${index}`, onclick: () => choose(index), onkeydown: (event) => {
			const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
			if (!step) return;
			event.preventDefault();
			event.stopPropagation();
			choose((index + step + list.length) % list.length, true);
		} }, title));
		panels.push(h("div", { role: "tabpanel", id: `panel-${index}`, "aria-labelledby": `tab-${index}`, class: "panel" }, element));
	});
	choose(0);
	return [h("div.tabs", { role: "tablist", "aria-label": name }, buttons), panels, choose];
}
