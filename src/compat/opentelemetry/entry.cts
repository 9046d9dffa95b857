// What `require('kymo/opentelemetry')` and `import ... from 'kymo/opentelemetry'` give: one object with plain, writable properties, so that
// tests can spy on them and replace them. App threads.
import kymo = require('./index.js');

const { register, KymoTracerProvider, KymoContextManager, KymoPropagator, KymoMeterProvider } = kymo;

// Assigned as a list of names alone: Node reads the names that a CommonJS module exports from its text.
module.exports = {
  register,
  KymoTracerProvider,
  KymoContextManager,
  KymoPropagator,
  KymoMeterProvider,
};
const exported = module.exports;

export = exported;
