// Continue's command line in a folder of its own. With a model of the name gpt-5 it uses the Responses API.
// continue_app.mjs FOLDER: its packages are in FOLDER.
import { deepStrictEqual, match } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { play } from '../play.mjs';

const program = join(process.argv[2], 'node_modules/.bin/cn');
const fresh = () => realpathSync(mkdtempSync(join(tmpdir(), 'continue-')));
const { OPENAI_BASE_URL: apiBase, OPENAI_API_KEY: apiKey } = process.env;

// What it prints for this text in this folder, with a model of this name.
function output(model, text, folder) {
  const models = [{ name: model, provider: 'openai', model, apiBase, apiKey, roles: ['chat'] }];
  const config = join(fresh(), 'config.yaml');
  writeFileSync(config, JSON.stringify({ name: 'moved', version: '1.0.0', schema: 'v1', models })); // JSON is YAML
  const env = { ...process.env, CONTINUE_TELEMETRY_ENABLED: '0' };
  const done = spawnSync(program, ['--config', config, '--auto', '-p', text], { cwd: folder, env, input: '', encoding: 'utf8' });
  deepStrictEqual(done.status, 0, `${done.stdout}\n${done.stderr}`);
  return done.stdout.trim();
}

function written(model) {
  const folder = fresh();
  const printed = output(model, 'Write filepath=calc.py content="print(1)"', folder);
  deepStrictEqual(readFileSync(join(folder, 'calc.py'), 'utf8'), 'print(1)', printed);
  match(printed, /^The tool said: Successfully created file/);
}

await play({
  async chat() {
    deepStrictEqual(output('gpt-4o', 'Hello', fresh()), 'You said: Hello');
  },
  async file() {
    written('gpt-4o');
  },
  async responses() {
    deepStrictEqual(output('gpt-5', 'Hello', fresh()), 'You said: Hello');
  },
  async file_by_responses() {
    written('gpt-5');
  },
});
