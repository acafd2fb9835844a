// Chat completions, whole and streamed, as an application reads them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, chatBody, raised, textOf, user } from './stage.js';

const TEXTS = [
  'Hello',
  '搬家很容易，对吗？',
  'family 👩‍👩‍👧‍👦 and e\u0301',
  'שלום עולם، مرحبا',
  'one\u2028two\u2029three\u0085four',
  'quotes " and \\ and\nlines\tand \x7f',
];
const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const BIG = '0123456789abcdef'.repeat((5 * 1024 * 1024) / 16);

export function chat(site) {
  test('a whole answer has text, a finish, the requested model, the vendor’s count and a request id', async () => {
    const { data: answer, response, request_id } = await site().chat('Hello').withResponse();
    const [choice] = answer.choices;
    assert.equal(answer.choices.length, 1);
    assert.deepEqual([choice.message.role, choice.message.content], ['assistant', 'You said: Hello']);
    assert.deepEqual([choice.index, choice.finish_reason], [0, 'stop']);
    assert.ok(!choice.message.tool_calls);
    assert.deepEqual([answer.model, answer.object], ['gpt-4o', 'chat.completion']);
    assert.match(request_id, /^req_/);
    assert.equal(answer._request_id, request_id);
    assert.match(response.headers.get('x-banjia-target'), /\//);
    const usage = await site().counted();
    for (const name of ['prompt_tokens', 'completion_tokens', 'total_tokens'])
      assert.equal(answer.usage[name], usage[name]);
  });

  for (const text of TEXTS) {
    test(`every letter of ${JSON.stringify(text)} comes back, whole and streamed`, async () => {
      assert.equal((await site().chat(text)).choices[0].message.content, `You said: ${text}`);
      assert.equal(textOf(await site().stream(text)), `You said: ${text}`);
    });
  }

  test('a stream adds up, names the role once, finishes once, and every chunk has a choice', async () => {
    const whole = (await site().chat('emulator:words=12')).choices[0];
    const chunks = await site().stream('emulator:words=12');
    assert.equal(textOf(chunks), whole.message.content);
    assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
    assert.equal(new Set(chunks.map(({ id, created, model, object }) => [id, created, model, object].join())).size, 1);
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    assert.equal(chunks.filter((chunk) => chunk.choices[0].delta.role).length, 1);
    assert.deepEqual(chunks.map((chunk) => chunk.choices[0].finish_reason).filter(Boolean), ['stop']);
    assert.ok(chunks.length > 10);
  });

  test('usage ends a stream exactly when it is requested', async () => {
    const chunks = await site().stream('emulator:words=5', { stream_options: { include_usage: true } });
    const last = chunks.pop();
    assert.ok(chunks.every((chunk) => chunk.choices.length && !chunk.usage));
    assert.deepEqual(last.choices, []);
    assert.equal(last.usage.total_tokens, (await site().counted()).total_tokens);
    const without = await site().stream('Hello', { stream_options: { include_usage: false } });
    assert.ok(without.every((chunk) => chunk.choices.length && !chunk.usage));
  });

  test('the client’s own collector gives the whole answer', async () => {
    const runner = site().sdk.chat.completions.stream(chatBody('emulator:words=12'));
    const seen = [];
    runner.on('content', (delta) => seen.push(delta));
    assert.equal(await runner.finalContent(), seen.join(''));
    const final = await runner.finalChatCompletion();
    assert.equal(final.choices[0].message.content, (await site().chat('emulator:words=12')).choices[0].message.content);
    assert.equal(final.choices[0].finish_reason, 'stop');
  });

  test('a stream can be read as a web stream of lines, and be split in two', async () => {
    const text = await new Response((await site().chat('搬家', { stream: true })).toReadableStream()).text();
    assert.equal(textOf(text.trim().split('\n').map((line) => JSON.parse(line))), 'You said: 搬家');
    const [left, right] = (await site().chat('搬家', { stream: true })).tee();
    const [one, other] = await Promise.all([all(left), all(right)]);
    assert.equal(textOf(one), textOf(other));
  });

  test('fifty streams at once each get their own answer', async () => {
    const texts = Array.from({ length: 50 }, (_, at) => `I am caller ${at}`);
    const answers = await Promise.all(texts.map(async (text) => textOf(await site().stream(text))));
    assert.deepEqual(answers, texts.map((text) => `You said: ${text}`));
  });

  test('an image as a data URI arrives, or is refused by name where the model takes none', async () => {
    const parts = [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: PIXEL } }];
    let answer;
    try {
      answer = await site().chat([user(parts)]);
    } catch (error) {
      assert.deepEqual([error.status, error.param], [400, 'messages[0].content[1].type']);
      assert.deepEqual((await site().state()).calls, []);
      return;
    }
    assert.equal(answer.choices[0].message.content, 'You said: What is it?');
    const [text, image] = (await site().lastCall()).body.messages[0].content;
    assert.deepEqual(text, parts[0]);
    assert.ok([PIXEL, PIXEL.split(',')[1]].includes(image.image_url.url)); // some vendors take the bare base64
  });

  test('five megabytes pass in a message and in an answer, whole and streamed', async () => {
    const said = (await site().chat([user(BIG), user('and now?')])).choices[0].message.content;
    // Two turns of the user in a row are one to a vendor that wants them to alternate.
    const { content } = (await site().lastCall()).body.messages.at(-1);
    assert.ok(content === 'and now?' || content === `${BIG}\n\nand now?`);
    assert.ok(said === `You said: ${content}`);
    assert.ok((await site().chat(BIG)).choices[0].message.content === `You said: ${BIG}`);
    assert.ok(textOf(await site().stream(BIG)) === `You said: ${BIG}`);
  });

  test('a conversation goes on with answers sent back as they are', async () => {
    const messages = [];
    for (const turn of ['one', 'two', 'three']) {
      messages.push(user(turn));
      const { message } = (await site().chat(messages)).choices[0];
      assert.equal(message.content, `You said: ${turn}`);
      messages.push(message);
    }
  });

  test('JSON mode gives JSON whether or not the prompt mentions it', async () => {
    for (const prompt of ['Give me JSON', 'Give me an object']) {
      const answer = await site().chat(prompt, { response_format: { type: 'json_object' } });
      assert.deepEqual(JSON.parse(answer.choices[0].message.content), { answer: `You said: ${prompt}` });
    }
  });

  test('stop, a token limit and nulls are taken as OpenAI takes them', async () => {
    const stopped = await site().chat('emulator:words=9', { stop: ['w4'], temperature: null, n: null, tools: null });
    assert.equal(stopped.choices[0].message.content, 'w1 w2 w3 ');
    const cut = await site().chat('emulator:words=9', { max_tokens: 4 });
    assert.equal(cut.choices[0].finish_reason, 'length');
  });

  test('what is dropped is named, and a field of the vendor’s own passes', async () => {
    const { response } = await site().chat('Hello', { logit_bias: { 50256: -100 }, x_of_the_vendor: [1] }).withResponse();
    assert.match(response.headers.get('x-banjia-adapted'), /logit_bias=dropped/);
    const { body } = await site().lastCall();
    assert.deepEqual(body.x_of_the_vendor, [1]);
    assert.ok(!('logit_bias' in body));
  });

  test('reasoning comes beside the answer where the model thinks, and never inside', async () => {
    const { message } = (await site().chat('Hello', { model: 'o3' })).choices[0];
    const chunks = await site().stream('Hello', { model: 'o3' });
    const streamed = chunks.map((chunk) => chunk.choices[0].delta.reasoning_content ?? '').join('');
    assert.deepEqual([message.content, textOf(chunks)], ['You said: Hello', 'You said: Hello']);
    assert.equal(streamed, message.reasoning_content ?? '');
    // Where the vendor has it in tags, its line breaks stay.
    assert.ok(['', 'Thinking about: Hello'].includes(streamed.trim()), streamed);
  });

  test('a base URL with and without its version is the same', async () => {
    for (const base of ['', '/', '/v1', '/v1/', '/v1/v1', '/openai/v1']) {
      const answer = await site().client({ baseURL: `${site().url}${base}` }).chat.completions.create(chatBody('Hello'));
      assert.equal(answer.choices[0].message.content, 'You said: Hello', base);
    }
  });

  test('the environment’s base URL is enough', async () => {
    process.env.OPENAI_BASE_URL = `${site().url}/v1`;
    try {
      const answer = await site().client({ baseURL: undefined }).chat.completions.create(chatBody('Hello'));
      assert.equal(answer.choices[0].message.content, 'You said: Hello');
    } finally {
      delete process.env.OPENAI_BASE_URL;
    }
  });

  test('what OpenAI would refuse is refused by name, before any vendor sees it', async () => {
    for (const [name, value] of [['temperature', 3], ['max_tokens', 0], ['stop', ['a', 'b', 'c', 'd', 'e']]]) {
      const error = await raised(site().chat('Hello', { [name]: value }));
      assert.deepEqual([error.constructor.name, error.status, error.param], ['BadRequestError', 400, name]);
    }
    assert.deepEqual((await site().state()).calls, []);
  });
}
