// `prom-client/lib/validation`, by its path there. App threads.
import validation = require('../validation.js');

const { validateMetricName, validateLabelName, validateLabel } = validation;
export = { validateMetricName, validateLabelName, validateLabel };
