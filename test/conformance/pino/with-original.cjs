// Preloaded: packages that require pino get pino itself, not the drop-in.
const Module = require('node:module');

const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return resolve.call(this, request === 'pino' ? 'original' : request, ...rest);
};
