// SPDX-License-Identifier: MIT
// wampy.js as a session of peer.js
"use strict";

const { Wampy } = require("wampy");

const SERIALIZERS = { json: "JsonSerializer", msgpack: "MsgpackSerializer", cbor: "CborSerializer" };

function make(name) {
  return new (require(`wampy/${name}.js`)[name])();
}

async function answer(auth) {
  if (auth.method === "ticket") return () => auth.secret;
  // One of the two is an ES module, which require() does not take everywhere
  const { sign } = await import(require.resolve(`wampy/${auth.method}.js`));
  return sign(auth.secret);
}

function failed(e) {
  throw { uri: e.errorUri, args: e.argsList, kwargs: e.argsDict, stack: e.stack };
}

function wrap(client) {
  const parts = (r) => [r.argsList || [], r.argsDict || {}];
  return {
    id: client.getSessionId(),
    call: (uri, args, kwargs, options, onProgress) => {
      const asked = onProgress ? { ...options, progress_callback: (p) => onProgress(...parts(p)) } : options;
      const done = (r) => ({ args: parts(r)[0], kwargs: parts(r)[1] });
      return client.call(uri, { argsList: args, argsDict: kwargs }, asked).then(done, failed);
    },
    register: (uri, endpoint, options) => {
      const called = (invocation) => {
        const progress = (argsList, argsDict) =>
          invocation.result_handler({ argsList, argsDict, options: { progress: true } });
        try {
          const result = endpoint(...parts(invocation), invocation.details || {}, progress);
          return { argsList: result.args, argsDict: result.kwargs };
        } catch (e) {
          throw { error: e.uri, argsList: e.args, argsDict: e.kwargs };
        }
      };
      return client.register(uri, called, options).then((r) => r.registrationId, failed);
    },
    // Without options wampy.js puts `undefined` into SUBSCRIBE
    subscribe: (uri, handler, options) => {
      const handle = (event) => handler(...parts(event), event.details);
      return client.subscribe(uri, handle, options).then((s) => s.subscriptionId, failed);
    },
    publish: (uri, args, kwargs, options) =>
      client.publish(uri, { argsList: args, argsDict: kwargs }, options).then((p) => p.publicationId, failed),
    leave: () => client.disconnect(),
  };
}

module.exports = async ({ url, realm, serializer, auth }) => {
  const options = { realm, ws: require("ws"), serializer: make(SERIALIZERS[serializer]), autoReconnect: false };
  Object.assign(options, { uriValidation: "loose", onError: () => {} });
  if (auth) {
    Object.assign(options, { authid: auth.authid, authmethods: [auth.method], onChallenge: await answer(auth) });
    if (auth.pubkey) options.authextra = { pubkey: auth.pubkey };
  }
  const client = new Wampy(url, options);
  return client.connect().then(() => wrap(client), failed);
};
