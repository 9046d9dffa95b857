// What packages get that require pino: the drop-in.
module.exports = require('kymo/pino');
