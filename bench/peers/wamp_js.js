// SPDX-License-Identifier: MIT
// AutobahnJS and wampy.js as the WAMP client under measurement: wamp_js.js autobahn|wampy FOLDER PORT, where FOLDER has
// node_modules. Jobs and paths as in wamp.py.
const path = require("path");
const [library, folder, port] = process.argv.slice(2);
const load = (name) => require(path.join(folder, "node_modules", name));
const PAYLOAD = "The quick brown fox jumps over the lazy dog 0123456789. ".repeat(5).slice(0, 256);
const URL = `ws://127.0.0.1:${port}/wamp`;
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function openAutobahn(serializer) {
  globalThis.WebSocket ??= load("ws"); // Node has one of its own from 22 on
  const autobahn = load("autobahn");
  const made = { json: "JSONSerializer", msgpack: "MsgpackSerializer", cbor: "CBORSerializer" }[serializer];
  const connection = new autobahn.Connection({
    url: URL, realm: "realm1", max_retries: 0, serializers: [new autobahn.serializer[made]()],
  });
  const session = await new Promise((resolve, reject) => {
    connection.onopen = resolve;
    connection.onclose = (reason) => reject(new Error(reason)) || true;
    connection.open();
  });
  return {
    publish: (options) => session.publish("bench.topic", [PAYLOAD], {}, options),
    call: (name) => session.call(name, [PAYLOAD]),
    subscribe: (handler) => session.subscribe("bench.topic", handler),
    register: (endpoint) => session.register("bench.endpoint", ([payload]) => endpoint(payload)),
  };
}

async function openWampy(serializer) {
  if (serializer !== "json") throw new Error("measured with JSON only");
  const wampy = new (load("wampy").Wampy)(URL, { realm: "realm1", ws: load("ws"), autoReconnect: false });
  await wampy.connect();
  return {
    publish: () => wampy.publish("bench.topic", PAYLOAD),
    call: async (name) => (await wampy.call(name, PAYLOAD)).argsList[0],
    subscribe: (handler) => wampy.subscribe("bench.topic", handler),
    register: (endpoint) => wampy.register("bench.endpoint", ({ argsList }) => ({ argsList: [endpoint(argsList[0])] })),
  };
}

class Paths {
  constructor(session) {
    this.session = session;
    this.missing = 0;
    this.taken = () => --this.missing || this.done();
  }

  wait(count) {
    this.missing = count;
    return new Promise((resolve) => (this.done = resolve));
  }

  async publish(count) {
    for (let i = 0; i < count; i += 100) {
      for (let j = 0; j < 100; j++) this.session.publish();
      await turn();
      if (i % 5000 === 0) await this.session.call("bench.count");
    }
    await this.session.call("bench.count");
  }

  async acknowledged(count) {
    for (let i = 0; i < count; i++) await this.session.publish({ acknowledge: true });
  }

  async event(count) {
    if (!this.subscribed) this.subscribed = await this.session.subscribe(this.taken);
    const all = this.wait(count);
    await this.session.call(`bench.flood.${count}`);
    await all;
  }

  async invocation(count) {
    if (!this.registered) this.registered = await this.session.register((payload) => (this.taken(), payload));
    const all = this.wait(count);
    await this.session.call(`bench.invoke.${count}`);
    await all;
  }

  async call_pipelined(count) {
    for (let i = 0; i < count; i += 100) {
      const results = await Promise.all(Array.from({ length: 100 }, () => this.session.call("bench.echo")));
      if (results.some((result) => result !== PAYLOAD)) throw new Error("another result than the far end sends");
    }
  }

  async call_sequence(count) {
    for (let i = 0; i < count; i++) await this.session.call("bench.echo");
  }
}

const STEPS = { publish: 100, invocation: 100, call_pipelined: 100 };
const sessions = {};
const rates = {};

async function once(run, count) {
  const cpu = process.cpuUsage();
  const wall = process.hrtime.bigint();
  await run(count);
  const used = process.cpuUsage(cpu);
  return [(used.user + used.system) / 1e6, Number(process.hrtime.bigint() - wall) / 1e9];
}

async function measure(key, run, seconds, step) {
  let count = step;
  for (let enough = rates[key] ? 4 : 0; enough < 4; count *= 4) {
    const [cpu] = await once(run, count);
    if (cpu < seconds / 10) continue;
    enough++;
    rates[key] = count / cpu;
    count = Math.ceil((rates[key] * seconds) / 12 / step) * step; // the compiler needs some time, too
  }
  count = Math.max(Math.round((rates[key] * seconds) / step), 1) * step;
  const [cpu, wall] = await once(run, count);
  rates[key] = count / Math.max(cpu, 1e-6);
  return { cpu: (cpu / count) * 1e6, wall: (wall / count) * 1e6, count };
}

async function answer(job) {
  const serializer = job.serializer || "json";
  if (!sessions[serializer]) {
    sessions[serializer] = new Paths(await (library === "wampy" ? openWampy : openAutobahn)(serializer));
  }
  const paths = sessions[serializer];
  if (!paths[job.path]) throw new Error("not measured");
  return measure(serializer + job.path, (count) => paths[job.path](count), job.seconds, STEPS[job.path] || 1);
}

const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  let result;
  try {
    result = await answer(JSON.parse(line));
  } catch (error) {
    result = { error: String(error && error.message ? error.message : error) };
  }
  console.log(JSON.stringify(result));
});
lines.on("close", () => process.exit(0));
