// What `require('kymo/pino')` gives: the function, with what hangs on it as plain, writable properties. App threads.
import kymo = require('./pino.js');

const pino = kymo.pino as typeof kymo.pino & Record<string, unknown>;

module.exports = pino;
// Assigned one by one: Node reads the names that `import` can take from a CommonJS module from its text.
module.exports.destination = pino.destination;
module.exports.transport = pino.transport;
module.exports.multistream = pino.multistream;
module.exports.levels = pino.levels;
module.exports.stdSerializers = pino.stdSerializers;
module.exports.stdTimeFunctions = pino.stdTimeFunctions;
module.exports.symbols = pino.symbols;
module.exports.version = pino.version;
module.exports.default = pino;
module.exports.pino = pino;
const exported = module.exports;

export = exported;
