// The command line opencode in a folder of its own, with two providers in its configuration: of compatible APIs, and OpenAI's,
// which uses the Responses API.
// opencode_app.mjs FOLDER: its packages are in FOLDER.
import { deepStrictEqual, match } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { play } from '../play.mjs';

const program = join(process.argv[2], 'node_modules/opencode-linux-x64/bin/opencode');
const options = { baseURL: process.env.OPENAI_BASE_URL, apiKey: '{env:OPENAI_API_KEY}' };
const configuration = {
  provider: {
    moved: { npm: '@ai-sdk/openai-compatible', options, models: { 'gpt-4o': {} } },
    responses: { npm: '@ai-sdk/openai', options, models: { 'gpt-4o': {} } },
  },
  permission: 'allow', share: 'disabled', autoupdate: false,
};
// It requests its list of models, language servers and a package of its own; it needs none of them.
const quiet = {
  OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1', OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
  npm_config_offline: 'true',
};

// What it prints when it is given this text in this folder, with a provider's model.
function output(text, folder, provider = 'moved') {
  const model = `${provider}/gpt-4o`;
  const settings = JSON.stringify({ ...configuration, small_model: model });
  const env = { ...process.env, ...quiet, PWD: folder, OPENCODE_CONFIG_CONTENT: settings };
  const done = spawnSync(program, ['run', '--model', model], { cwd: folder, env, input: text });
  const printed = `${done.stdout}\n${done.stderr}`;
  deepStrictEqual(done.status, 0, printed);
  return printed;
}

const fresh = () => realpathSync(mkdtempSync(join(tmpdir(), 'opencode-')));

function edited(provider) {
  const folder = fresh();
  const file = join(folder, 'calc.py');
  writeFileSync(file, 'def add(a, b):\n    return a - b\n');
  const text = `edit filePath=${file} oldString="return a - b" newString="return a + b"`;
  const printed = output(text, folder, provider);
  deepStrictEqual(readFileSync(file, 'utf8'), 'def add(a, b):\n    return a + b\n', printed);
  match(printed, /^The tool said: Edit applied successfully\.$/m);
}

await play({
  async chat() {
    match(output('Hello', fresh()), /^You said: Hello$/m);
  },
  async edit() {
    edited('moved');
  },
  async responses() {
    match(output('Hello', fresh(), 'responses'), /^You said: Hello$/m);
  },
  async edit_by_responses() {
    edited('responses');
  },
});
