// Preloaded: whoever requires the OpenTelemetry API gets version 1.3.
const Module = require('node:module');

const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return resolve.call(this, request === '@opentelemetry/api' ? 'api-1.3' : request, ...rest);
};
