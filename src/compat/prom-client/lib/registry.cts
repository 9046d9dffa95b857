// `prom-client/lib/registry`, by its path there: the class, with the global registry on it. App threads.
import registry = require('../registry.js');

export = Object.assign(registry.Registry, { globalRegistry: registry.globalRegistry });
