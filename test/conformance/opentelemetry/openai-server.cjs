// A service that answers as OpenAI's does: a chat completion, at once or as a stream, an embedding, an error.
const { createServer } = require('node:http');

const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1700000000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hello there' } }],
  usage,
};
const chunk = (delta, finish, more = {}) => ({
  id: 'chatcmpl-2',
  object: 'chat.completion.chunk',
  created: 1700000000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
});

exports.listen = async () => {
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const { stream, model } = JSON.parse(text);
    if (model === 'broken') {
      response.writeHead(400, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ error: { message: 'no such model', type: 'invalid_request_error' } }));
    }
    if (request.url.endsWith('/embeddings')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      const data = [{ object: 'embedding', index: 0, embedding: [0.1, 0.2] }];
      return response.end(
        JSON.stringify({ object: 'list', data, model: 'text-embedding-3-small', usage: { prompt_tokens: 2, total_tokens: 2 } }),
      );
    }
    if (!stream) {
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(JSON.stringify(completion));
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const parts = [chunk({ role: 'assistant', content: 'Hello' }, null), chunk({ content: ' again' }, null), chunk({}, 'stop')];
    for (const part of [...parts, { ...chunk({}, null), choices: [], usage }]) response.write(`data: ${JSON.stringify(part)}\n\n`);
    response.end('data: [DONE]\n\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};
