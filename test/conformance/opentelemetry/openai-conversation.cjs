// What the two applications with a language model do.
const { trace } = require('@opentelemetry/api');
const { listen } = require('./openai-server.cjs');

exports.converse = async (load) => {
  const loaded = await load('openai');
  const OpenAI = loaded.OpenAI ?? loaded.default;
  const server = await listen();
  const client = new OpenAI({ apiKey: 'none', baseURL: `http://127.0.0.1:${server.address().port}/v1`, maxRetries: 0 });
  const messages = [{ role: 'user', content: 'Say hello' }];
  await trace.getTracer('application').startActiveSpan('conversation', async (span) => {
    await client.chat.completions.create({ model: 'gpt-4o-mini', messages, temperature: 0.5 });
    const stream = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    for await (const part of stream) text += part.choices[0]?.delta.content ?? '';
    span.setAttribute('answer', text);
    await client.embeddings.create({ model: 'text-embedding-3-small', input: 'hello' });
    await client.chat.completions.create({ model: 'broken', messages }).catch((error) => span.recordException(error));
    span.end();
  });
  server.closeAllConnections();
  server.close();
};
