// Reading an exposition back: values, labels, sums and quantiles.
import { describe, expect, it } from 'vitest';
import { bucketsSince, quantileOf, Samples } from '../../src/demo/samples.js';

const TEXT = `# HELP http_requests_total Requests
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/a",status="200"} 7
http_requests_total{method="GET",route="/a",status="500"} 1
http_requests_total{method="POST",route="/b",status="200"} 2
# TYPE odd gauge
odd{text="a\\\\n\\"},{b=\\"c\\n"} NaN
plain -Inf
d_bucket{route="/a",le="0.1"} 4
d_bucket{route="/a",le="1"} 9
d_bucket{route="/a",le="+Inf"} 10
d_bucket{route="/b",le="0.1"} 0
d_bucket{route="/b",le="1"} 10
d_bucket{route="/b",le="+Inf"} 10
`;

describe('samples', () => {
  const samples = new Samples(TEXT);

  it('sum a name over its series, over some of them, and by a label', () => {
    expect(samples.sum('http_requests_total')).toBe(10);
    expect(samples.sum('http_requests_total', { method: 'GET', status: '200' })).toBe(7);
    expect(samples.sumBy('http_requests_total', 'status')).toEqual(
      new Map([
        ['200', 9],
        ['500', 1],
      ]),
    );
    expect([samples.sum('absent'), samples.of('absent')]).toEqual([0, []]);
  });

  it('undo escapes, also where a value looks like the end of the labels', () => {
    expect(samples.of('odd')).toEqual([{ labels: { text: 'a\\n"},{b="c\n' }, value: Number.NaN }]);
    expect(samples.of('plain')).toEqual([{ labels: {}, value: Number.NEGATIVE_INFINITY }]);
  });

  it('sum the buckets of all series of a histogram', () => {
    expect(samples.buckets('d')).toEqual({ bounds: [0.1, 1, Number.POSITIVE_INFINITY], counts: [4, 19, 20] });
  });
});

describe('quantiles', () => {
  const buckets = { bounds: [0.1, 1, Number.POSITIVE_INFINITY], counts: [4, 19, 20] };

  it('are linear within a bucket, as histogram_quantile has them', () => {
    expect(quantileOf(buckets, 0.1)).toBeCloseTo(0.05, 12);
    expect(quantileOf(buckets, 0.2)).toBeCloseTo(0.1, 12);
    expect(quantileOf(buckets, 0.5)).toBeCloseTo(0.1 + (0.9 * 6) / 15, 12);
  });

  it('are the last finite bound beyond it, and NaN without observations', () => {
    expect(quantileOf(buckets, 0.99)).toBe(1);
    expect(quantileOf({ bounds: [1, Number.POSITIVE_INFINITY], counts: [0, 0] }, 0.5)).toBeNaN();
    expect(quantileOf({ bounds: [], counts: [] }, 0.5)).toBeNaN();
  });

  it('can be had of what came between two readings', () => {
    const before = { bounds: [0.1, 1, Number.POSITIVE_INFINITY], counts: [4, 4, 4] };
    expect(bucketsSince(buckets, before)).toEqual({ bounds: buckets.bounds, counts: [0, 15, 16] });
    expect(bucketsSince(buckets, { bounds: [], counts: [] })).toEqual(buckets);
  });
});
