// Streams that break or are unusual, and clients that disconnect.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { chatBody, raised, textOf } from './stage.js';

const WORDS = 'emulator:words=20';
const WHOLE = Array.from({ length: 20 }, (_, at) => `w${at + 1}`).join(' ');
const ENDLESS = 'emulator:words=500,gap=20';

const WITHIN = [
  ['cut=3', 'upstream_stream_reset'],
  ['cut=12', 'upstream_stream_reset'],
  ['error_event=3', 'upstream_error'],
  ['no_end', 'upstream_stream_truncated'],
  ['bad_json', 'upstream_invalid_response'],
  ['stall_within=30', 'upstream_idle_timeout'],
];
const BEFORE = ['cut=0', 'error_event=0', 'done_only', 'stall_before=30', 'stall_after_head=30'];
const ODD = ['no_done', 'comments', 'crlf', 'split_utf8', 'drip=0', 'json_instead', 'big_event=300000', 'short_body'];

export function endings(site) {
  for (const [fault, code] of WITHIN) {
    test(`a stream that breaks after its first words raises: ${fault}`, async () => {
      const here = site('short');
      await here.faults(fault);
      const chunks = [];
      const stream = await here.client({ maxRetries: 2 }).chat.completions.create(chatBody(WORDS, { stream: true }));
      const error = await raised((async () => { for await (const chunk of stream) chunks.push(chunk); })());
      assert.ok(error instanceof OpenAI.APIError, String(error));
      assert.equal(error.code, code);
      const text = textOf(chunks);
      assert.ok(text && text !== WHOLE && WHOLE.startsWith(text));
      assert.ok(!chunks.some((chunk) => chunk.choices.some((choice) => choice.finish_reason)));
      const { calls, seen } = await here.state();
      assert.deepEqual([calls.length, seen.length], [1, 1], 'a request whose answer has begun is never repeated');
    });
  }

  test('the client’s own collector raises for a stream that breaks', async () => {
    const here = site('short');
    await here.faults('cut=5');
    const error = await raised(here.sdk.chat.completions.stream(chatBody(WORDS)).finalChatCompletion());
    assert.equal(error.code, 'upstream_stream_reset');
  });

  for (const fault of BEFORE) {
    test(`a stream that breaks before its first word has a status: ${fault}`, async () => {
      const here = site('short');
      await here.faults(fault);
      const error = await raised(here.client({ maxRetries: 2 }).chat.completions.create(chatBody(WORDS, { stream: true })));
      assert.ok(error instanceof OpenAI.InternalServerError, String(error));
      assert.equal(error.status, fault.startsWith('stall') ? 504 : 502);
      assert.equal((await here.state()).seen.length, 1);
    });
  }

  for (const fault of ODD) {
    test(`a stream that is only odd is whole: ${fault}`, async () => {
      const here = site();
      await here.faults(fault);
      const chunks = await here.stream('搬家 👩‍👩‍👧');
      assert.ok(textOf(chunks).endsWith('You said: 搬家 👩‍👩‍👧'));
      assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    });
  }

  test('comments to a waiting client are not chunks', async () => {
    const here = site('beating');
    await here.faults('delay=300');
    assert.equal(textOf(await here.stream('Hello')), 'You said: Hello');
  });

  test('aborting a stream ends the vendor’s within a second', async () => {
    const here = site();
    const stream = await here.chat(ENDLESS, { stream: true });
    for await (const chunk of stream) {
      assert.ok(chunk.choices.length);
      stream.controller.abort();
    }
    assert.ok((await here.idle()) < 1000);
    assert.equal((await here.lastCall()).ending, 'gone');
  });

  test('breaking out of the loop ends the vendor’s within a second', async () => {
    const here = site();
    for await (const chunk of await here.chat(ENDLESS, { stream: true })) {
      assert.ok(chunk.choices.length);
      break;
    }
    assert.ok((await here.idle()) < 1000);
    assert.equal((await here.lastCall()).ending, 'gone');
  });

  test('aborting a whole answer ends the vendor’s within a second', async () => {
    const here = site();
    await here.faults('stall_before=30');
    const error = await raised(here.chat(WORDS, {}, { signal: AbortSignal.timeout(200) }));
    assert.ok(error instanceof OpenAI.APIUserAbortError, String(error));
    assert.ok((await here.idle()) < 1000);
    assert.equal((await here.lastCall()).ending, 'gone');
  });

  test('a timeout of the client’s ends the vendor’s within a second', async () => {
    const here = site();
    await here.faults('stall_before=30');
    const error = await raised(here.chat(WORDS, {}, { timeout: 200 }));
    assert.ok(error instanceof OpenAI.APIConnectionTimeoutError, String(error));
    assert.ok((await here.idle()) < 1000);
  });
}
