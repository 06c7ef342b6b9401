// SPDX-License-Identifier: MIT
// AutobahnJS as a session of peer.js
"use strict";

globalThis.WebSocket ??= require("ws");
const autobahn = require("autobahn");

const SERIALIZERS = { json: "JSONSerializer", msgpack: "MsgpackSerializer", cbor: "CBORSerializer" };

function answer(auth) {
  const { auth_cra: cra, auth_cryptosign: cryptosign, nacl } = autobahn;
  return (session, method, extra) => {
    if (method === "ticket") return auth.secret;
    if (method === "wampcra") {
      const key = extra.salt ? cra.derive_key(auth.secret, extra.salt, extra.iterations, extra.keylen) : auth.secret;
      return cra.sign(key, extra.challenge);
    }
    const seed = Uint8Array.from(Buffer.from(auth.secret, "hex"));
    return cryptosign.sign_challenge(nacl.sign.keyPair.fromSeed(seed), extra);
  };
}

function failed(e) {
  throw { uri: e.error, args: e.args, kwargs: e.kwargs, stack: e.stack };
}

function wrap(session, connection) {
  const parts = (r) => (r instanceof autobahn.Result ? [r.args, r.kwargs] : [r === null ? [] : [r], {}]);
  return {
    id: session.id,
    call: (uri, args, kwargs, options, onProgress) => {
      const asked = onProgress ? { ...options, receive_progress: true } : options;
      const done = (r) => ({ args: parts(r)[0], kwargs: parts(r)[1] });
      return session.call(uri, args, kwargs, asked).then(done, failed, (p) => onProgress(...parts(p)));
    },
    register: (uri, endpoint, options) => {
      const called = (args, kwargs, details) => {
        try {
          const result = endpoint(args || [], kwargs || {}, details, details.progress);
          return new autobahn.Result(result.args, result.kwargs);
        } catch (e) {
          throw new autobahn.Error(e.uri, e.args, e.kwargs);
        }
      };
      return session.register(uri, called, options).then((r) => r.id, failed);
    },
    subscribe: (uri, handler, options) => session.subscribe(uri, handler, options).then((s) => s.id, failed),
    publish: (uri, args, kwargs, options) =>
      session.publish(uri, args, kwargs, { ...options, acknowledge: true }).then((p) => p.id, failed),
    leave: () => connection.close(),
  };
}

module.exports = ({ url, realm, serializer, auth }) =>
  new Promise((joined, refused) => {
    const options = { url, realm, max_retries: 0, serializers: [new autobahn.serializer[SERIALIZERS[serializer]]()] };
    if (auth) {
      Object.assign(options, { authid: auth.authid, authmethods: [auth.method], onchallenge: answer(auth) });
      if (auth.pubkey) options.authextra = { pubkey: auth.pubkey };
    }
    const connection = new autobahn.Connection(options);
    connection.onopen = (session) => joined(wrap(session, connection));
    connection.onclose = (reason, details) => {
      refused({ uri: details && details.reason, stack: reason });
      return true;
    };
    connection.open();
  });
