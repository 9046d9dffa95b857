// What most spans have nothing of, apart from the span itself: one object, made when the first of it is needed. App threads.
import type { WritableRest } from '../binding/writable-span.js';
import type { Attachment } from '../context/attach.js';
import type { Extra } from '../context/context.js';
import type { SpanEvent } from './events.js';
import type { SpanLink } from './links.js';
import type { Span } from './span.js';

/** Events, links, texts and counts of a span. */
export class SpanRest implements WritableRest {
  eventList: SpanEvent[] | undefined = undefined;
  linkList: SpanLink[] | undefined = undefined;
  /** Of an error. */
  statusText = '';
  /** The header `tracestate` of the span; set when it ends. */
  traceStateText = '';
  /** Attributes, events and links beyond the limits, or that were none. */
  droppedAttributes = 0;
  droppedEvents = 0;
  droppedLinks = 0;
  /** Words of an id that the span was given; 0, 0: its id is derived from its number. */
  s0 = 0;
  s1 = 0;
  /** Spans started in it, where they are kept. */
  children: Span[] | undefined = undefined;
  /** Words of the parent's id, where the parent was given its own. */
  parent: { readonly s0: number; readonly s1: number } | undefined = undefined;
  /** Number of the wall-clock anchor, where it finds no room in the span. */
  clock = 0;
  /** What the span's contexts carry besides. */
  readonly extra: Extra | undefined;
  /** Its key among the open spans of its provider; 0: it is not watched. */
  openAs = 0;
  /** Of a span that was activated: undone when it ends. */
  attachment: Attachment | undefined = undefined;

  constructor(extra: Extra | undefined) {
    this.extra = extra;
  }
}
