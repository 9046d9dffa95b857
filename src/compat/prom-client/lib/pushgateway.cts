// `prom-client/lib/pushgateway`, by its path there. App threads.
import pushgateway = require('../pushgateway.js');

export = pushgateway.Pushgateway;
