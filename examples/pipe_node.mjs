#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// Traces several targets at once with `wend pipe` (docs/pipe.md) from Node, and cancels one.
//
//     pipe_node.mjs [--wend PROGRAM] [--sim FILE] TARGET...
//
// Only Node's standard library is needed. Wend and Trace may be copied into other programs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

// A request that was refused; `error` is a stable name.
class WendError extends Error {
	constructor(event) {
		super(event.text);
		this.error = event.error;
	}
}

const ENDED = { event: "error", error: "closed", text: "wend pipe has ended" };

// `done` is a promise of the last event; until then onEvent is called with each reply and lost probe.
class Trace {
	constructor(wend, id, onEvent) {
		Object.assign(this, { wend, id, onEvent });
		this.done = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
	}

	// It ends as soon as may be, and `done` says so.
	cancel() {
		if (this.wend.traces.has(this.id))
			this.wend.send({ cancel: this.id });
	}
}

// const wend = new Wend(); await wend.trace("192.0.2.1", console.log, { protocol: "icmp" }).done
class Wend {
	constructor(args = [], program = "wend") {
		this.ids = 0;
		this.traces = new Map();
		this.child = spawn(program, ["pipe", ...args], { stdio: ["pipe", "pipe", "inherit"] });
		this.ended = once(this.child, "close"); // with exit code and signal
		this.ended.catch(() => {}).then(() => this.lost());
		this.child.stdin.on("error", () => {}); // told by "close", too
		createInterface({ input: this.child.stdout }).on("line", (line) => this.take(JSON.parse(line)));
	}

	send(request) {
		this.child.stdin.write(JSON.stringify(request) + "\n");
	}

	// What is under way goes on to its end.
	async close() {
		this.child.stdin.end();
		await this.ended;
	}

	// Options are those of `wend trace --help`: { "max-ttl": 20 }.
	trace(target, onEvent, options = {}) {
		return this.start({ target, ...options }, onEvent);
	}

	probe(address, ttl, onEvent, options = {}) {
		return this.start({ probe: address, ttl, ...options }, onEvent);
	}

	start(request, onEvent) {
		const trace = new Trace(this, ++this.ids, onEvent);

		if (this.gone) {
			trace.reject(new WendError(ENDED));
			return trace;
		}
		this.traces.set(trace.id, trace);
		this.send({ id: trace.id, ...request });
		return trace;
	}

	take(event) {
		const trace = this.traces.get(event.id);

		if (event.event === "hello")
			this.hello = event;
		if (!trace || event.request === "cancel") // it had just ended
			return;
		if (event.event === "reply" || event.event === "lost") {
			trace.onEvent(event);
			return;
		}
		this.traces.delete(event.id);
		if (event.event === "done")
			trace.resolve(event);
		else
			trace.reject(new WendError(event));
	}

	lost() {
		this.gone = true;
		for (const trace of this.traces.values())
			trace.reject(new WendError(ENDED));
		this.traces.clear();
	}
}

async function show(wend, target) {
	const onEvent = (event) => {
		if (event.event === "reply" && event.number === 0)
			console.log(`${target}: ${String(event.ttl).padStart(2)}  ${event.address}  ` +
				`${(event.rtt_ns / 1e6).toFixed(3)} ms`);
	};

	try {
		const done = await wend.trace(target, onEvent).done;

		console.log(`${target}: ${done.stop} at TTL ${done.ttl}, ` +
			`${done.received} of ${done.sent} answered`);
	} catch (error) {
		console.log(`${target}: ${error.message}`);
	}
}

// The first answer is enough.
async function showFirst(wend, target) {
	const trace = wend.trace(target, (event) => event.event === "reply" && trace.cancel(),
		{ wait: "60s", "wait-min": "60s" });

	console.log(`${target}: ${(await trace.done).stop}`);
}

const { values, positionals: targets } = parseArgs({
	options: { wend: { type: "string", default: "wend" }, sim: { type: "string" } },
	allowPositionals: true,
});
const wend = new Wend(values.sim ? ["--sim", values.sim] : [], values.wend);

await Promise.all(targets.map((target) => show(wend, target)));
await showFirst(wend, targets[0]);
await wend.close();
