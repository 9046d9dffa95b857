// `cluster`, loaded when it is first needed: some application servers (Passenger) crash when a program imports it. App threads.
import type cluster = require('cluster');

export = { cluster: (): typeof cluster.default => require('cluster') };
