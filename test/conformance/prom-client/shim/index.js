module.exports = require('kymo/prom-client');
