// Tools: called whole and streamed alike, at once, by name, and answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatBody, user } from './stage.js';

function described(name, properties) {
  const schema = Object.fromEntries(Object.entries(properties).map(([key, type]) => [key, { type }]));
  return { type: 'function', function: { name, parameters: { type: 'object', properties: schema } } };
}

const BOTH = { tools: [described('get_weather', { city: 'string', days: 'integer' }), described('get_time', { zone: 'string' })] };
const ONE = 'get weather, city=Oslo';
const TWO = 'get weather, city=Oslo, and get time, zone=CET';
const WEATHER = ['get_weather', { city: 'Oslo', days: 1 }];
const TIME = ['get_time', { zone: 'CET' }];

function callsOf(message) {
  return (message.tool_calls ?? []).map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
}

// As applications put them together: by index, texts joined.
function accumulated(chunks) {
  const calls = [];
  for (const piece of chunks.flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? [])) {
    assert.ok(Number.isInteger(piece.index));
    const call = (calls[piece.index] ??= { id: '', type: '', name: '', arguments: '' });
    call.id += piece.id ?? '';
    call.type += piece.type ?? '';
    call.name += piece.function?.name ?? '';
    call.arguments += piece.function?.arguments ?? '';
  }
  return calls;
}

export function tools(site) {
  for (const [prompt, wanted] of [[ONE, [WEATHER]], [TWO, [WEATHER, TIME]], ['Hello', []]]) {
    test(`${wanted.length} calls come whole and streamed alike`, async () => {
      const [choice] = (await site().chat(prompt, BOTH)).choices;
      assert.deepEqual(callsOf(choice.message), wanted);
      assert.equal(choice.finish_reason, wanted.length ? 'tool_calls' : 'stop');
      const chunks = await site().stream(prompt, BOTH);
      const calls = accumulated(chunks);
      assert.deepEqual(calls.map((call) => [call.name, JSON.parse(call.arguments)]), wanted);
      assert.ok(calls.every((call) => call.id && call.type === 'function'));
      assert.equal(new Set(calls.map((call) => call.id)).size, calls.length);
      assert.equal(chunks.at(-1).choices[0].finish_reason, choice.finish_reason);
    });
  }

  test('the client’s own collector gives the same calls', async () => {
    const final = await site().sdk.chat.completions.stream(chatBody(TWO, BOTH)).finalChatCompletion();
    assert.deepEqual(callsOf(final.choices[0].message), [WEATHER, TIME]);
  });

  for (const stream of [false, true]) {
    test(`the client’s own loop calls the functions and hands back their results${stream ? ', streamed' : ''}`, async () => {
      const given = [];
      const tool = {
        type: 'function',
        function: {
          name: 'get_weather',
          parse: JSON.parse,
          function: (found) => {
            given.push(found);
            return '4 degrees';
          },
          description: 'The weather.',
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
        },
      };
      const runner = site().sdk.chat.completions.runTools({ ...chatBody(ONE), tools: [tool], stream });
      assert.equal(await runner.finalContent(), 'The tool said: 4 degrees');
      assert.deepEqual(given, [{ city: 'Oslo' }]);
    });
  }

  test('the results of two calls are answered', async () => {
    const { message } = (await site().chat(TWO, BOTH)).choices[0];
    const results = message.tool_calls.map((call, at) => ({ role: 'tool', tool_call_id: call.id, content: `r${at}` }));
    const answer = await site().chat([user(TWO), message, ...results], BOTH);
    assert.equal(answer.choices[0].message.content, 'The tool said: r0; r1');
  });

  test('three turns work for an application that knows no reasoning', async () => {
    const messages = [{ role: 'system', content: 'Use the tools.' }];
    const ids = new Set();
    for (const [prompt, result] of [[ONE, '4 degrees'], ['get time, zone=CET', 'noon'], [TWO, 'rain']]) {
      messages.push(user(prompt));
      const calls = accumulated(await site().stream(messages, { ...BOTH, model: 'o3' }));
      assert.ok(calls.length);
      calls.forEach((call) => ids.add(call.id));
      const shown = calls.map(({ id, name, arguments: given }) => ({ id, type: 'function', function: { name, arguments: given } }));
      messages.push({ role: 'assistant', content: null, tool_calls: shown });
      messages.push(...calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: result })));
      const text = (await site().chat(messages, { ...BOTH, model: 'o3' })).choices[0].message.content;
      assert.equal(text, `The tool said: ${calls.map(() => result).join('; ')}`);
      messages.push({ role: 'assistant', content: text });
    }
    assert.equal(ids.size, 4);
  });

  test('a tool that is named must be called, and none calls none', async () => {
    const named = { type: 'function', function: { name: 'get_time' } };
    const [choice] = (await site().chat('Hello', { ...BOTH, tool_choice: named })).choices;
    assert.deepEqual(callsOf(choice.message).map(([name]) => name), ['get_time']);
    const none = (await site().chat(ONE, { ...BOTH, tool_choice: 'none' })).choices[0].message;
    assert.deepEqual([none.content, callsOf(none)], [`You said: ${ONE}`, []]);
  });
}
