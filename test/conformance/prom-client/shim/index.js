// What packages get that require prom-client: the drop-in.
module.exports = require('kymo/prom-client');
