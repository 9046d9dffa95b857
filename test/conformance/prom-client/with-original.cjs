// Preloaded (`node --require`) to run a program on the original: whoever asks for `prom-client` gets prom-client 15.1.3.
const Module = require('node:module');

const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return resolve.call(this, request.replace(/^prom-client(?=$|\/)/, 'original'), ...rest);
};
