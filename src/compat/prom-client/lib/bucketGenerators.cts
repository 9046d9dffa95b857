// `prom-client/lib/bucketGenerators`, by its path there. App threads.
import generators = require('../bucket-generators.js');

const { linearBuckets, exponentialBuckets } = generators;
export = { linearBuckets, exponentialBuckets };
