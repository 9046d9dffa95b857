// The name under which the demo's memory segments are kept, set before Kymo is loaded: so a later start of the demo finds
// its own last run and no other service's. Imported first by main.ts; main thread.

process.env.KYMO_SERVICE_NAME ??= 'kymo-demo';
