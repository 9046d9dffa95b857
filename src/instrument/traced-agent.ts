// Agents that tell of a request before its headers are written, for the Node versions that do not publish it: 20, and 22 before 22.12.
// App threads. Later versions need none of this; there the classes are plain agents.
import { channel } from 'node:diagnostics_channel';
import http, { type AgentOptions, type ClientRequest } from 'node:http';
import https from 'node:https';

/** Where the agents of this file publish `{ request }`. */
export const REQUEST_CREATED = 'kymo.http.client.request.created';

const created = channel(REQUEST_CREATED);

/** What node:http calls with each new request; agents of many packages override it, though the documentation does not list it. */
interface AddsRequests {
  addRequest(request: ClientRequest, options: object): void;
}

const superHttp = http.Agent.prototype as unknown as AddsRequests;
const superHttps = https.Agent.prototype as unknown as AddsRequests;

function tell(request: ClientRequest): void {
  if (created.hasSubscribers) created.publish({ request });
}

/**
 * An `http.Agent` whose requests carry the trace on Node 20, too: for applications that make their own agents. The default agents are
 * replaced by such while clients are instrumented.
 */
export class TracedHttpAgent extends http.Agent {
  /** @internal */
  addRequest(request: ClientRequest, options: object): void {
    tell(request);
    superHttp.addRequest.call(this, request, options);
  }
}

/** As {@link TracedHttpAgent}, for `node:https`. */
export class TracedHttpsAgent extends https.Agent {
  /** @internal */
  addRequest(request: ClientRequest, options: object): void {
    tell(request);
    superHttps.addRequest.call(this, request, options);
  }
}

/** True where Node itself publishes new requests in time. */
function nodeTells(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 12);
}

/** Sets `http.globalAgent` and `https.globalAgent`, which Node lets anyone set, where that is needed. The result puts them back. */
export function replaceDefaultAgents(): () => void {
  if (nodeTells()) return () => undefined;
  const [before, beforeTls] = [http.globalAgent, https.globalAgent];
  const optionsOf = (agent: http.Agent): AgentOptions => (agent as unknown as { options: AgentOptions }).options;
  const ours = new TracedHttpAgent(optionsOf(before));
  const oursTls = new TracedHttpsAgent(optionsOf(beforeTls));
  http.globalAgent = ours;
  https.globalAgent = oursTls;
  return () => {
    if (http.globalAgent === ours) http.globalAgent = before;
    if (https.globalAgent === oursTls) https.globalAgent = beforeTls;
  };
}
