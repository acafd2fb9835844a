// Cline's command line in a folder of its own, with its provider of compatible APIs.
// cline_app.mjs FOLDER: its packages are in FOLDER.
import { deepStrictEqual, match } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { play } from '../play.mjs';

const program = join(process.argv[2], 'node_modules/@cline/cli-linux-x64/bin/cline');
const fresh = () => realpathSync(mkdtempSync(join(tmpdir(), 'cline-')));
const settings = join(fresh(), 'global-settings.json');
writeFileSync(settings, JSON.stringify({ telemetryOptOut: true, autoUpdateEnabled: false }));
// Without the first it leaves a server running; IS_TEST keeps it from asking its makers for switches.
const quiet = { CLINE_SESSION_BACKEND_MODE: 'local', CLINE_GLOBAL_SETTINGS_PATH: settings, IS_TEST: 'true' };

function cline(folder, ...words) {
  const env = { ...process.env, ...quiet, PWD: folder };
  const done = spawnSync(program, words, { cwd: folder, env, input: '', encoding: 'utf8' });
  deepStrictEqual(done.status, 0, `${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

// Its final output for this task in this folder.
function output(task, folder) {
  const { OPENAI_BASE_URL: address, OPENAI_API_KEY: key } = process.env;
  cline(folder, 'auth', '--provider', 'openai', '--apikey', key, '--modelid', 'gpt-4o', '--baseurl', address);
  const lines = cline(folder, '--json', '--provider', 'openai', '--model', 'gpt-4o', task).trim().split('\n');
  const { type, finishReason, text } = JSON.parse(lines.at(-1));
  deepStrictEqual([type, finishReason], ['run_result', 'completed']);
  return text;
}

const patch = `*** Begin Patch
*** Update File: calc.py
@@
-    return a - b
+    return a + b
*** End Patch`;

await play({
  async chat() {
    deepStrictEqual(output('Say hello.', fresh()), 'You said: Say hello.');
  },
  async edit() {
    const folder = fresh();
    const file = join(folder, 'calc.py');
    writeFileSync(file, 'def add(a, b):\n    return a - b\n');
    match(output(`Mend the sum: apply_patch input="${patch}"`, folder), /^The tool said: .*Successfully applied patch/);
    deepStrictEqual(readFileSync(file, 'utf8'), 'def add(a, b):\n    return a + b\n');
  },
});
