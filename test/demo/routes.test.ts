// The route table: which row a request meets, and that each row can be met.
import { describe, expect, it } from 'vitest';
import { matchRoute, ROUTES, samplePath } from '../../src/demo/routes.js';

describe('routes', () => {
  it('are each met by their own sample paths', () => {
    for (const route of ROUTES) expect(matchRoute(route.method, samplePath(route)).route).toBe(route);
  });

  it('take any value for a varying segment, but not none, and nothing beyond', () => {
    expect(matchRoute('GET', '/users/%2e%2e').route?.template).toBe('/users/:id');
    for (const path of ['/users/', '/users', '/users/1/2', '/users/1/', '//users/1', '', '*', '/']) {
      expect(matchRoute('GET', path)).toEqual({ route: undefined, allow: [] });
    }
  });

  it('tell apart by method, name the others, and answer HEAD where GET is known', () => {
    expect(matchRoute('POST', '/orders').route?.method).toBe('POST');
    expect(matchRoute('HEAD', '/orders').route?.method).toBe('GET');
    expect(matchRoute('DELETE', '/orders')).toEqual({ route: undefined, allow: ['GET', 'HEAD', 'POST'] });
  });
});
