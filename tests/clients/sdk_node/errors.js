// Errors as the client raises them: the right class, with code, param and request id, and no storm of retries.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { CLIENT_KEY, all, chatBody, raised } from './stage.js';

// fault, class, status, code, param, the most calls that the vendor may see
const FAULTS = [
  ['rate_limit=0', 'RateLimitError', 429, 'rate_limit_exceeded', null, 12], // it waits for a slot, and probes,
  ['quota', 'RateLimitError', 429, 'insufficient_quota', null, 1],
  ['inspection', 'BadRequestError', 400, 'content_filter', null, 1],
  ['context', 'BadRequestError', 400, 'context_length_exceeded', 'messages', 1],
  ['bad_key', 'InternalServerError', 502, 'upstream_auth_error', null, 1],
  ['model_missing', 'NotFoundError', 404, 'model_not_found', null, 1],
  ['overloaded', 'InternalServerError', 502, 'upstream_error', null, 3],
  ['error_500', 'InternalServerError', 502, 'upstream_error', null, 3],
  ['error_in_200', 'InternalServerError', 502, 'upstream_error', null, 3],
  ['html_502', 'InternalServerError', 502, 'upstream_error', null, 3],
  ['html_200', 'InternalServerError', 502, 'upstream_invalid_response', null, 3],
  ['empty_200', 'InternalServerError', 502, 'upstream_invalid_response', null, 3],
  ['redirect', 'InternalServerError', 502, 'upstream_error', null, 3],
  ['gzip', 'InternalServerError', 502, 'upstream_invalid_response', null, 3],
  ['reset', 'InternalServerError', 502, 'upstream_error', null, 4],
  ['reset_after_head', 'InternalServerError', 502, 'upstream_error', null, 3],
];

// The errors for a response with less detail: the vendor’s table of failures decides.
const OTHER_ERRORS = { overloaded: ['RateLimitError', 429, 'rate_limit_exceeded'] };

export function errors(site) {
  for (const [fault, kind, status, code, param, most] of FAULTS) {
    for (const stream of [false, true]) {
      test(`${fault} is a ${kind} without a storm of retries${stream ? ', streamed' : ''}`, async () => {
        const here = site();
        await here.faults(fault);
        const lessDetail = fault in OTHER_ERRORS && (await here.failure()).code !== code;
        const expected = lessDetail ? OTHER_ERRORS[fault] : [kind, status, code];
        const made = here.client({ maxRetries: 2 }).chat.completions.create(chatBody('Hello', { stream }));
        const error = await raised(stream ? made.then(all) : made);
        assert.ok(error instanceof OpenAI[expected[0]], `${error.constructor.name}: ${error.message}`);
        assert.deepEqual([error.status, error.code, error.param], [expected[1], expected[2], param]);
        assert.match(error.requestID, /^req_/);
        assert.equal(error.requestID, error.headers.get('x-request-id'));
        assert.equal(error.headers.get('x-should-retry'), 'false');
        const { calls, seen } = await here.state();
        assert.ok(calls.length >= 1 && calls.length <= most, `${calls.length} calls`);
        assert.equal(seen.length, 1, 'the client repeated a request that the proxy had already retried');
      });
    }
  }

  test('the client itself gets over a rate limit that the proxy did not wait for', async () => {
    const here = site('once');
    await here.faults('rate_limit=3@1'); // longer than limits.wait_s
    const answer = await here.client({ maxRetries: 2 }).chat.completions.create(chatBody('Hello'));
    assert.equal(answer.choices[0].message.content, 'You said: Hello');
    assert.equal((await here.state()).seen.length, 2);
  });

  test('a rate limit tells how long to wait', async () => {
    const here = site('once');
    await here.faults('rate_limit=7');
    const { headers } = await raised(here.chat('Hello'));
    const retryHeaders = ['retry-after', 'retry-after-ms', 'x-should-retry'].map((name) => headers.get(name));
    assert.deepEqual(retryHeaders, ['7', '7000', 'true']);
  });

  test('the application’s key is checked where keys are configured', async () => {
    const here = site('keyed');
    const right = here.client({ apiKey: CLIENT_KEY });
    const wrong = here.client({ apiKey: 'sk-wrong-00000001' });
    assert.equal((await right.chat.completions.create(chatBody('Hello'))).choices[0].message.content, 'You said: Hello');
    for (const call of [() => wrong.chat.completions.create(chatBody('Hello')), () => wrong.models.list()]) {
      const error = await raised(call());
      assert.deepEqual([error.constructor.name, error.code], ['AuthenticationError', 'invalid_api_key']);
      assert.ok(!error.message.includes('sk-wrong-00000001'));
    }
  });

  const NOT_SERVED = {
    images: [(sdk) => sdk.images.generate({ prompt: 'x' }), 404],
    files: [(sdk) => sdk.files.list(), 404],
    batches: [(sdk) => sdk.batches.list(), 404],
    'fine-tuning': [(sdk) => sdk.fineTuning.jobs.list(), 404],
    speech: [(sdk) => sdk.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'x' }), 404],
    assistants: [(sdk) => sdk.beta.assistants.list(), 404],
    'no such path': [(sdk) => sdk.post('/nothing/here', { body: {} }), 404],
    'another method': [(sdk) => sdk.put('/chat/completions', { body: {} }), 405],
  };
  for (const [name, [call, status]] of Object.entries(NOT_SERVED)) {
    test(`unsupported endpoints return an error at once: ${name}`, async () => {
      const here = site();
      const error = await raised(call(here.client({ maxRetries: 2 })));
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.status, status);
      assert.match(error.requestID, /^req_/);
      assert.equal((await here.state()).seen.length, 1);
    });
  }
}
