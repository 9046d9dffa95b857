// What spans show of URLs and addresses that anybody can send: no credentials, nothing made up, and no time lost.
import { describe, expect, it } from 'vitest';
import { forwardedClient, hostPort } from '../../src/instrument/address.js';
import { redactedUrl, redactQuery, SECRET_PARAMETERS } from '../../src/instrument/url-redaction.js';

const SECRETS = new Set(SECRET_PARAMETERS);
const query = (text: string): string => redactQuery(text, SECRETS);

describe('redactQuery', () => {
  it.each([
    ['', ''],
    ['a=1&b=2', 'a=1&b=2'],
    ['token=x', 'token=REDACTED'],
    ['a=1&TOKEN=x&b=2', 'a=1&TOKEN=REDACTED&b=2'],
    ['token=x=y&sig=z', 'token=REDACTED&sig=REDACTED'],
    ['tok%65n=x&acc%45ss_token=y', 'tok%65n=REDACTED&acc%45ss_token=REDACTED'],
    ['token=&token', 'token=&token'],
    ['token=%', 'token=REDACTED'],
    ['%zz=1&token=x', '%zz=1&token=REDACTED'],
    ['&&token=x&&=y&', '&&token=REDACTED&&=y&'],
    ['mytoken=x&tokens=y', 'mytoken=x&tokens=y'],
    ['AWSAccessKeyId=a&Signature=b&X-Goog-Signature=c', 'AWSAccessKeyId=REDACTED&Signature=REDACTED&X-Goog-Signature=REDACTED'],
  ])('makes %j into %j', (given, expected) => {
    expect(query(given)).toBe(expected);
  });

  it('is linear in the length of a hostile query', () => {
    const large = `${'token=x&'.repeat(100_000)}a`;
    expect(query(large).length).toBe(large.length + 100_000 * ('REDACTED'.length - 1));
    expect(query('='.repeat(200_000))).toHaveLength(200_000);
    expect(query('&'.repeat(200_000))).toHaveLength(200_000);
  });
});

describe('redactedUrl', () => {
  it.each([
    ['http://a', '/x', 'http://a/x'],
    ['https://user:password@a:8', '/x?sig=1#part', 'https://REDACTED:REDACTED@a:8/x?sig=REDACTED'],
    ['http://a', '/x@y?z=user@host', 'http://a/x@y?z=user@host'],
    ['http://a', '/?', 'http://a/?'],
    ['', '/x', '/x'],
  ])('makes %j and %j into %j', (origin, path, expected) => {
    expect(redactedUrl(origin, path, SECRETS)).toBe(expected);
  });
});

describe('hostPort', () => {
  it.each([
    ['a', { host: 'a', port: 0 }],
    ['shop.example:65535', { host: 'shop.example', port: 65_535 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['[fe80::1%eth0]', undefined],
    ['a:65536', undefined],
    ['a:b', undefined],
    ['a b', undefined],
    ['user@a', undefined],
    ['a,b', undefined],
    ['', undefined],
    ['a'.repeat(301), undefined],
    [`${'a'.repeat(253)}:80`, { host: 'a'.repeat(253), port: 80 }],
  ])('reads %j as %j', (text, expected) => {
    expect(hostPort(text)).toEqual(expected);
  });
});

describe('forwardedClient', () => {
  it.each([
    [{}, undefined],
    [{ 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
    [{ 'x-forwarded-for': ' 203.0.113.7:4711 , 10.0.0.1' }, '203.0.113.7'],
    [{ 'x-forwarded-for': '2001:db8::1' }, '2001:db8::1'],
    [{ 'x-forwarded-for': '[2001:db8::1]:4711' }, '2001:db8::1'],
    [{ 'x-forwarded-for': 'unknown' }, undefined],
    [{ 'x-forwarded-for': '<script>' }, undefined],
    [{ forwarded: 'by=a;for=192.0.2.60;proto=http, for=10.0.0.1' }, '192.0.2.60'],
    [{ forwarded: 'For="[2001:db8:cafe::17]:4711"' }, '2001:db8:cafe::17'],
    [{ forwarded: 'proto=http', 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
    [{ forwarded: 'for=unknown' }, undefined],
    [{ forwarded: ['for=192.0.2.60', 'for=10.0.0.1'] }, '192.0.2.60'],
    [{ 'x-forwarded-for': 'a'.repeat(100_000) }, undefined],
  ])('reads %j as %j', (headers, expected) => {
    expect(forwardedClient(headers)).toBe(expected);
  });
});
