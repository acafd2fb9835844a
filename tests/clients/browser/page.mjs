// What a page sees of the proxies that its address names: every call by itself, with its result or the error it got.
const given = new URL(location.href).searchParams;
const [keyed, open, key] = ['keyed', 'open', 'key'].map((name) => given.get(name));
const messages = [{ role: 'user', content: 'Hello' }];
const chat = { model: 'gpt-4o', messages };

function post(base, body, { path = '/v1/chat/completions', bearer, type = 'application/json' } = {}) {
  const headers = { 'content-type': type, ...(bearer && { authorization: `Bearer ${bearer}` }) };
  return fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function whole(response) {
  const answer = await response.json();
  const headers = ['x-request-id', 'x-banjia-target', 'openai-processing-ms'].filter((name) => response.headers.has(name));
  return [response.status, answer.choices[0].message.content, headers];
}

async function streamed(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  const events = text.split('\n\n').filter((event) => event.startsWith('data: {'));
  const deltas = events.flatMap((event) => JSON.parse(event.slice(6)).choices.map((choice) => choice.delta.content ?? ''));
  return [response.status, deltas.join(''), text.endsWith('data: [DONE]\n\n')];
}

async function refused(response) {
  const { error } = await response.json();
  return [response.status, error.code, response.headers.has('x-request-id')];
}

async function sdk(base, apiKey, more = {}) {
  const { default: OpenAI } = await import('openai');
  return new OpenAI({ baseURL: `${base}/v1`, apiKey, maxRetries: 0, dangerouslyAllowBrowser: true, ...more });
}

const CALLS = {
  'fetch, whole': async () => whole(await post(open, chat)),
  'fetch, streamed': async () => streamed(await post(open, { ...chat, stream: true })),
  'fetch as plain text, without a preflight': async () => whole(await post(open, chat, { type: 'text/plain' })),
  'fetch with a key, whole': async () => whole(await post(keyed, chat, { bearer: key })),
  'fetch with a key, streamed': async () => streamed(await post(keyed, { ...chat, stream: true }, { bearer: key })),
  'fetch without a key': async () => refused(await post(keyed, chat)),
  'fetch with a wrong key': async () => refused(await post(keyed, chat, { bearer: 'sk-wrong-00000001' })),
  'fetch of what is not served': async () => refused(await post(keyed, {}, { path: '/v1/files', bearer: key })),
  'fetch of the models': async () => (await fetch(`${open}/v1/models`)).status,
};
const SDK_CALLS = {
  'SDK, whole': async () => {
    const { data, response } = await (await sdk(keyed, key)).chat.completions.create(chat).withResponse();
    return [data.choices[0].message.content, response.headers.get('x-request-id') === data._request_id];
  },
  'SDK, streamed': async () => {
    const stream = await (await sdk(keyed, key)).chat.completions.create({ ...chat, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    return text;
  },
  'SDK, with a wrong key': async () => {
    const error = await (await sdk(keyed, 'sk-wrong-00000001')).chat.completions.create(chat).catch((raised) => raised);
    return [error.constructor.name, error.status ?? null, error.code ?? null];
  },
  'SDK, models': async () => (await (await sdk(open, 'anything')).models.list()).data.some((model) => model.id === 'gpt-4o'),
};

const found = {};
for (const [name, call] of Object.entries({ ...CALLS, ...(given.has('sdk') && SDK_CALLS) })) {
  try {
    found[name] = await call();
  } catch (error) {
    found[name] = `${error.name}: ${error.message}`;
  }
}
await fetch('/found', { method: 'POST', body: JSON.stringify(found) });
document.getElementById('found').textContent = 'done';
