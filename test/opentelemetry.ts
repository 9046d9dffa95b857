// OpenTelemetry's JavaScript SDK and published instrumentations, from the lock file in test/conformance/opentelemetry. Runs while a test file
// is collected.
import { PublishedPackages } from './published-packages.js';

/** Their API is of a later version than the one that the tests themselves import: run programs of their own with them. */
export const openTelemetry: PublishedPackages = new PublishedPackages('opentelemetry', "OpenTelemetry's SDK and instrumentations");
