// `prom-client/lib/counter`, by its path there. App threads.
import counter = require('../counter.js');

export = counter.Counter;
