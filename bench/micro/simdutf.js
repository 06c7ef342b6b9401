// SPDX-License-Identifier: MIT
// simdutf, as Node has it: buffer.isUtf8. A worker as in peers/worker.py; what a call on nothing takes is subtracted.
const { isUtf8 } = require("buffer");
const nothing = Buffer.alloc(0);

function once(buffer, rounds) {
  const start = process.cpuUsage();
  let good = 0;
  for (let i = 0; i < rounds; i++) good += isUtf8(buffer);
  const used = process.cpuUsage(start);
  if (good !== rounds) throw new Error("not UTF-8");
  return (used.user + used.system) / 1e6;
}

function each(buffer, seconds) {
  let rounds = 100;
  let taken = once(buffer, rounds);
  while (taken < seconds) {
    rounds *= 4;
    taken = once(buffer, rounds);
  }
  return (taken / rounds) * 1e9;
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const job = JSON.parse(line);
  try {
    const unit = Buffer.from(job.unit);
    const buffer = Buffer.alloc(job.size, "x");
    for (let at = 0; at + unit.length <= job.size; at += unit.length) unit.copy(buffer, at);
    const cpu = Math.max(each(buffer, job.seconds) - each(nothing, job.seconds / 4), 0.1);
    console.log(JSON.stringify({ cpu }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
});
