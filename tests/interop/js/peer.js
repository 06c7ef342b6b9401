// SPDX-License-Identifier: MIT
// A WAMP client that does what it is told: node peer.js autobahn|wampy
//
// Each line of stdin is a command {"id", "do", "session", ...}; each is answered by a line {"id", "ok"} or {"id", "error"}.
// Events come as {"topic", "args", "kwargs", "details"}, "topic" being what was subscribed to. Octets are {"$hex": "..."}.
"use strict";

const joinWith = require(`./${process.argv[2]}.js`);
const sessions = new Map();

function packed(value) {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return { $hex: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(packed);
  if (typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, packed(v)]));
  return typeof value === "function" ? null : value;
}

function unpacked(value) {
  if (Array.isArray(value)) return value.map(unpacked);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$hex === "string") return Uint8Array.from(Buffer.from(value.$hex, "hex"));
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, unpacked(v)]));
}

const say = (message) => process.stdout.write(JSON.stringify(packed(message)) + "\n");

// What can be registered. An endpoint takes (args, kwargs, details, progress) and returns {args, kwargs};
// progress(args, kwargs) is there when the caller wants interim results.
const endpoints = {
  echo: (args, kwargs) => ({ args, kwargs }),
  nothing: () => ({ args: [], kwargs: {} }),
  details: (args, kwargs, details) => ({ args: [details], kwargs: {} }),
  count: (args, kwargs, details, progress) => {
    for (let i = 0; i < args[0]; i++) progress([i], { left: args[0] - i });
    return { args: [args[0]], kwargs: {} };
  },
  fail: () => {
    throw { uri: "com.example.error", args: ["no", 7], kwargs: { why: "because" } };
  },
};

const commands = {
  join: async (c) => {
    const session = await joinWith(c);
    sessions.set(c.session, session);
    return session.id;
  },
  call: async (c, session) => {
    const progress = [];
    const onProgress = c.progress ? (args, kwargs) => progress.push([args, kwargs]) : null;
    const result = await session.call(c.uri, unpacked(c.args), unpacked(c.kwargs), c.options, onProgress);
    return { ...result, progress };
  },
  register: (c, session) => session.register(c.uri, endpoints[c.endpoint], c.options),
  subscribe: (c, session) =>
    session.subscribe(c.uri, (args, kwargs, details) => say({ topic: c.uri, args, kwargs, details }), c.options),
  publish: (c, session) => session.publish(c.uri, unpacked(c.args), unpacked(c.kwargs), c.options),
  leave: async (c, session) => {
    sessions.delete(c.session);
    await session.leave();
  },
};

async function obey(line) {
  const command = JSON.parse(line);
  try {
    say({ id: command.id, ok: await commands[command.do](command, sessions.get(command.session)) });
  } catch (e) {
    say({ id: command.id, error: { uri: e.uri, args: e.args, kwargs: e.kwargs, text: String((e && e.stack) || e) } });
  }
}

require("readline").createInterface({ input: process.stdin }).on("line", obey).on("close", () => process.exit(0));
