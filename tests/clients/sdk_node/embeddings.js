// Embeddings, models and moderations.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { raised } from './stage.js';

const SMALL = 'text-embedding-3-small';

function near(one, other) {
  return one.length === other.length && one.every((number, at) => Math.abs(number - other[at]) < 1e-6);
}

export function embeddings(site) {
  test('vectors come in base64 by themselves and are the same as floats; or the vendor has none', async () => {
    const { sdk } = site();
    if (!(await site().names()).includes(SMALL)) {
      const error = await raised(sdk.embeddings.create({ model: SMALL, input: 'one' }));
      assert.deepEqual([error.constructor.name, error.code, error.param], ['NotFoundError', 'model_not_found', 'model']);
      return;
    }
    const input = Array.from({ length: 30 }, (_, at) => `text ${at}`);
    const byDefault = await sdk.embeddings.create({ model: SMALL, input });
    const floats = await sdk.embeddings.create({ model: SMALL, input, encoding_format: 'float' });
    const base64 = await sdk.embeddings.create({ model: SMALL, input: 'text 7', encoding_format: 'base64' });
    assert.deepEqual(byDefault.data.map((one) => one.index), input.map((_, at) => at));
    assert.ok(byDefault.data.every((one, at) => near(one.embedding, floats.data[at].embedding)));
    const bytes = Buffer.from(base64.data[0].embedding, 'base64');
    assert.ok(near(Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at)), floats.data[7].embedding));
    assert.equal(byDefault.model, SMALL);
    assert.equal(byDefault.usage.prompt_tokens, 60);
  });

  test('models are listed, and what is listed can be retrieved', async () => {
    const listed = await site().names();
    assert.ok(listed.includes('gpt-4o') && listed.includes('gpt-4o-mini'));
    for (const name of listed.filter((_, at) => at % 5 === 0)) {
      const model = await site().sdk.models.retrieve(name);
      assert.deepEqual([model.id, model.object, model.owned_by], [name, 'model', site().vendor]);
    }
    const paged = [];
    for await (const model of site().sdk.models.list()) paged.push(model.id);
    assert.deepEqual(paged, listed);
    assert.deepEqual((await site().state()).calls, []);
  });

  test('a vendor’s model with a slash in its name is found', async () => {
    const { response } = await site().chat('Hello').withResponse();
    const name = response.headers.get('x-banjia-target');
    assert.equal((await site().sdk.models.retrieve(name)).id, name);
  });

  test('a model that no vendor serves is not found, and the error suggests the nearest', async () => {
    for (const request of [() => site().sdk.models.retrieve('gpt-4oo'), () => site().chat('Hello', { model: 'gpt-4oo' })]) {
      const error = await raised(request());
      assert.deepEqual([error.constructor.name, error.status, error.code], ['NotFoundError', 404, 'model_not_found']);
      assert.match(error.message, /gpt-4o'/);
    }
  });

  test('moderations are refused, or passed if the policy allows it', async () => {
    const error = await raised(site().sdk.moderations.create({ input: 'a' }));
    assert.deepEqual([error.status, error.code], [404, 'not_supported']);
    const { data, response } = await site('once').sdk.moderations.create({ input: ['a', 'b'] }).withResponse();
    assert.deepEqual(data.results.map((one) => one.flagged), [false, false]);
    assert.equal(response.headers.get('x-banjia-adapted'), 'moderations=emulated');
  });
}
