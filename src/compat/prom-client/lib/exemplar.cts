// `prom-client/lib/exemplar`, by its path there. App threads.
import exemplar = require('../exemplar.js');

export = exemplar.Exemplar;
