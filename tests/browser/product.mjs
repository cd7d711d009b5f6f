// The product as a process: `keyharbor demo`, or `init` and `serve` in a folder of its own. Nothing here sleeps.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const root = resolve(import.meta.dirname, '../..');
const binary = join(resolve(root, process.env.CARGO_TARGET_DIR ?? 'target'), 'debug', 'keyharbor');

/** Asks until the answer is truthy. For conditions outside a page; inside one, wait on a locator. */
export async function until(ask, what, seconds = 30) {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(performance.now() < end, `after ${seconds} s still not: ${what}`);
    await new Promise(next => setTimeout(next, 50));
  }
}

export async function freePort() {
  const server = createServer();
  await new Promise(ready => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address();
  await new Promise(done => server.close(done));
  return port;
}

export function scratch() {
  return mkdtempSync(join(tmpdir(), 'keyharbor-browser-'));
}

function environment(extra) {
  const plain = Object.entries(process.env).filter(([name]) => !name.startsWith('KEYHARBOR'));
  return { ...Object.fromEntries(plain), ...extra };
}

/** Keys that a page has shown; no process may have written one of them anywhere. */
export const shown = new Set();

/** Whatever happens to this process, it leaves no server behind. */
const running = new Set();
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

function start(args, env) {
  const child = spawn(binary, args, { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const product = { log: '', ended: null };
  const gone = new Promise(done => {
    child.once('error', error => done((product.ended = `cannot start ${binary}: ${error.message}`)));
    child.once('exit', (code, signal) => done((product.ended = `ended with ${signal ?? code}`)));
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => (product.log += text));
  }
  product.alive = () => assert.equal(product.ended, null, `keyharbor ${args[0]} ${product.ended}:\n${product.log.slice(-4000)}`);
  product.stop = async () => {
    if (product.ended === null) {
      const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      child.kill('SIGTERM');
      await gone;
      clearTimeout(patience);
    }
    for (const key of shown) {
      for (const form of [key, key.replaceAll('-', '')]) assert.ok(!product.log.includes(form), 'a key stands in the log');
    }
  };
  return product;
}

function jsonLine(text, field) {
  for (const line of text.split('\n')) {
    if (!line.startsWith('{') || !line.endsWith('}')) continue;
    try {
      const value = JSON.parse(line);
      if (field in value) return value;
    } catch { /* the line is not whole yet */ }
  }
  return null;
}

const settings = values => Object.fromEntries(Object.entries(values).map(([name, value]) => [`KEYHARBOR__${name}`, String(value)]));

/** `keyharbor demo`; `values` are settings, e.g. { REVEAL__WINDOW_SECONDS: 5 }. */
export async function demo(values = {}) {
  const dir = scratch();
  const [port, idp] = [await freePort(), await freePort()];
  const args = ['demo', '--json', '--listen', `127.0.0.1:${port}`, '--idp-listen', `127.0.0.1:${idp}`, '--data', dir];
  const quotas = { REVEAL__PER_MINUTE: 10_000, REVEAL__PER_HOUR: 10_000, REVEAL__PER_DAY: 10_000 };
  const product = start(args, settings({ ...quotas, ...values }));
  const line = await until(() => (product.alive(), jsonLine(product.log, 'portal')), 'the demo is ready', 60);
  return withPeople(product, dir, { portal: line.portal, issuer: line.issuer, apiToken: line.api_token, people: line.people });
}

function withPeople(product, dir, facts) {
  const stopProcess = product.stop;
  Object.assign(product, facts, {
    portal: facts.portal.replace(/\/$/, ''),
    /** Someone with this role; for 'employee' someone with no other. */
    person(role) {
      const others = ['helpdesk', 'auditor', 'admin'];
      const found = facts.people.find(({ roles }) => (role === 'employee' ? !roles.some(r => others.includes(r)) : roles.includes(role)));
      assert.ok(found, `nobody is ${role}`);
      return found;
    },
    async deposit(serial, recovery_key) {
      const response = await fetch(`${product.portal}/api/v1/deposits`, {
        method: 'POST',
        headers: { authorization: `Bearer ${facts.apiToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ serial, recovery_key }),
      });
      assert.ok(response.ok, `deposit: ${response.status} ${await response.text()}`);
    },
    /** What an MDM server tells about a Mac. */
    async describe(serial, about) {
      const response = await fetch(`${product.portal}/api/v1/devices/${serial}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${facts.apiToken}`, 'content-type': 'application/json' },
        body: JSON.stringify(about),
      });
      assert.ok(response.ok, `devices: ${response.status} ${await response.text()}`);
    },
    /** Ends the process and keeps its folder. */
    stopOnly: stopProcess,
    async stop() {
      try {
        await stopProcess();
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
  });
  return product;
}

/** Runs a subcommand to its end, with nothing on its standard input; returns what it printed. */
export async function keyharbor(...args) {
  const running = run(binary, args, { env: environment({}), timeout: 60_000 });
  running.child.stdin.end();
  return (await running).stdout;
}

const value = v => (typeof v === 'object' && !Array.isArray(v)
  ? `{ ${Object.entries(v).map(([name, inner]) => `${name} = ${JSON.stringify(inner)}`).join(', ')} }`
  : JSON.stringify(v));
const toml = sections => Object.entries(sections)
  .map(([name, fields]) => `[${name}]\n${Object.entries(fields).map(([key, v]) => `${key} = ${value(v)}\n`).join('')}`)
  .join('\n');

/** A folder that `init` has been run in; `change` may alter the settings before they are written. */
export async function home(provider, port, change = () => {}) {
  const dir = scratch();
  const sections = {
    server: { public_url: `http://localhost:${port}`, listen: `127.0.0.1:${port}`, workers: 2, drain_seconds: 2 },
    database: { url: `sqlite://${dir}/keyharbor.db` },
    custody: { key_file: join(dir, 'root.key') },
    oidc: {
      issuer: provider.issuer,
      client_id: provider.client_id,
      client_secret: provider.client_secret,
      scopes: ['profile', 'email', 'groups'],
      algorithms: ['RS256'],
      owner_claim: 'preferred_username',
      roles: { helpdesk: ['mac-helpdesk'], auditor: ['mac-auditors'], admin: ['mac-admins'] },
    },
    portal: {
      brand: 'Acme Keys', organisation: 'Acme', it_phone: '08-465 004 00', it_email: 'it@acme.example', it_hours: 'weekdays 8–17',
      time_zone: 'Europe/Stockholm',
    },
    reveal: { per_minute: 10_000, per_hour: 10_000, per_day: 10_000 },
  };
  change(sections);
  const config = join(dir, 'keyharbor.toml');
  writeFileSync(config, toml(sections), { mode: 0o600 });
  await keyharbor('init', '--config', config);
  return { dir, config, provider, sections, keyFile: sections.custody.key_file, portal: sections.server.public_url };
}

/** Puts the root key of another installation in the place of this one's. */
export async function wrongRootKey(place) {
  const other = await home(place.provider, 1);
  copyFileSync(other.keyFile, place.keyFile);
  rmSync(other.dir, { recursive: true });
}

/** An API token made on the host. */
export async function newToken(place, scopes) {
  const out = await keyharbor('token', 'create', '--config', place.config, '--name', 'browser tests', '--scope', scopes.join(','));
  return /kh_[0-9a-f]{16}_[0-9A-Za-z]{43}/.exec(out)[0];
}

/** Who owns which Mac, by the operator's way. */
export async function setOwners(place, owners) {
  const file = join(place.dir, 'owners.csv');
  writeFileSync(file, `serial,login\n${Object.entries(owners).map(([serial, login]) => `${serial},${login}\n`).join('')}`);
  await keyharbor('owners', '--config', place.config, 'import', file, '--apply');
}

/** `keyharbor serve` on a home. Ready means that /healthz answers; a sealed server is ready too. */
export async function serve(place, facts = {}) {
  const product = start(['serve', '--config', place.config], {});
  await until(async () => {
    product.alive();
    return fetch(`${place.portal}/healthz`).then(answer => answer.ok, () => false);
  }, 'serve answers');
  return withPeople(product, place.dir, { portal: place.portal, people: [], ...facts });
}
