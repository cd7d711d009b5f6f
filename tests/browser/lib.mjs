// What every browser test needs: the product as a process, one Chromium, pages that are watched for problems, and the
// questions asked of them. Nothing here sleeps; everything waits for a condition.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const binary = join(resolve(root, process.env.CARGO_TARGET_DIR ?? 'target'), 'debug', 'keyharbor');
const pictures = join(root, 'target', 'pictures');
const LOCALES = { en: 'en-GB', sv: 'sv-SE' };

export const matrix = (...lists) =>
  lists.reduce((rows, list) => rows.flatMap(row => list.map(item => [...row, item])), [[]]);

/** Asks until the answer is truthy. For conditions outside a page; inside one, wait on a locator. */
export async function until(ask, what, seconds = 20) {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(performance.now() < end, `after ${seconds} s still not: ${what}`);
    await new Promise(next => setTimeout(next, 50));
  }
}

// ---- the product ---------------------------------------------------------------------------------------------------

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
const shown = new Set();

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

/** Runs a subcommand to its end; returns what it printed. */
export async function keyharbor(args, values = {}) {
  const { stdout } = await run(binary, args, { env: environment(settings(values)), timeout: 30_000 });
  return stdout;
}

function toml(sections) {
  const value = v => (typeof v === 'object' && !Array.isArray(v)
    ? `{ ${Object.entries(v).map(([name, inner]) => `${name} = ${JSON.stringify(inner)}`).join(', ')} }`
    : JSON.stringify(v));
  return Object.entries(sections)
    .map(([name, fields]) => `[${name}]\n${Object.entries(fields).map(([key, v]) => `${key} = ${value(v)}\n`).join('')}`)
    .join('\n');
}

/** A folder with a root key and a configuration file for `serve`; `change` may alter the sections before they are written. */
export async function home(provider, port, change = () => {}) {
  const dir = scratch();
  const sections = {
    server: { public_url: `http://localhost:${port}`, listen: `127.0.0.1:${port}` },
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
  };
  change(sections);
  const config = join(dir, 'keyharbor.toml');
  writeFileSync(config, toml(sections), { mode: 0o600 });
  await newRootKey(sections.custody.key_file);
  return { dir, config, sections, keyFile: sections.custody.key_file, portal: sections.server.public_url };
}

/** Makes a root key. The one place that knows how `init` is called. */
export async function newRootKey(file) {
  await keyharbor(['init', '--key-file', file]);
}

/** An API token made on the host. The one place that knows how that is done. */
export async function newToken(config, scopes) {
  const out = await keyharbor(['token', 'create', '--config', config, '--name', 'browser tests', '--scopes', scopes.join(',')]);
  return /kh_[0-9a-f]{16}_[0-9A-Za-z]{43}/.exec(out)[0];
}

/** `keyharbor serve` on a home. Ready means that /healthz answers; a sealed server is ready too. */
export async function serve(place, facts = {}) {
  const product = start(['serve', '--config', place.config], {});
  await until(async () => {
    product.alive();
    return fetch(`${place.portal}/healthz`).then(answer => answer.ok, () => false);
  }, 'serve answers', 30);
  return withPeople(product, place.dir, { portal: place.portal, people: [], ...facts });
}

// ---- Chromium ------------------------------------------------------------------------------------------------------

function findChromium() {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch { /* not there */ }
    }
  }
  throw new Error('no chromium, chromium-browser or google-chrome in PATH');
}

let browser;

function launched() {
  browser ??= chromium.launch({
    executablePath: findChromium(),
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
    ],
  });
  return browser;
}

export async function closeBrowser() {
  if (browser) await (await browser).close();
  browser = undefined;
}

/**
 * A browser context with one page, watched. `problems()` lists console errors and warnings, page errors, violations of
 * CSP and Trusted Types, and requests to hosts other than those named. A page that answered 4xx or 5xx by intention
 * makes Chromium log that status; this line alone is let through.
 */
export async function open({ scheme = 'light', width = 390, lang = 'en', js = true, motion = 'no-preference', hosts = ['localhost', '127.0.0.1'] } = {}) {
  const context = await (await launched()).newContext({
    javaScriptEnabled: js,
    colorScheme: scheme,
    locale: LOCALES[lang],
    reducedMotion: motion,
    timezoneId: 'Europe/Stockholm',
    viewport: { width, height: 844 },
  });
  context.setDefaultTimeout(15_000);
  const noted = [];
  const refused = new Set();
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', e =>
      console.error(`[policy] ${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile ?? ''}:${e.lineNumber} ${e.sample}`));
  });
  context.on('console', message => {
    if (['error', 'warning'].includes(message.type())) noted.push({ text: message.text(), url: message.location().url });
  });
  context.on('weberror', error => noted.push({ text: `page error: ${error.error()?.stack ?? error.error()}` }));
  context.on('request', request => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && !hosts.includes(hostname)) noted.push({ text: `request to ${hostname}` });
  });
  context.on('response', response => {
    if (response.request().isNavigationRequest() && response.status() >= 400) refused.add(response.url());
  });
  const page = await context.newPage();
  page.look = { scheme, lang, width };
  const meant = ({ text, url }) => /^Failed to load resource: the server responded with a status of [45]\d\d/.test(text) && refused.has(url);
  return {
    context,
    page,
    problems: () => noted.filter(note => !meant(note)).map(({ text, url }) => (url ? `${text} (${url})` : text)),
    forgive: () => noted.splice(0),
  };
}

/** Opens a context, runs the steps, and demands that nothing was wrong on the way. */
export async function visit(options, steps) {
  const opened = await open(options);
  try {
    const result = await steps(opened.page, opened);
    assert.deepEqual(opened.problems(), []);
    return result;
  } finally {
    await opened.context.close();
  }
}

// ---- what a person does --------------------------------------------------------------------------------------------

/** Fills in the provider's login form, whichever provider it is, and comes back to the portal. */
export async function atProvider(page, person, portal) {
  await page.locator('input[name=login]').fill(person.login);
  const password = page.locator('input[name=password]');
  if (await password.count()) await password.fill(person.password ?? '');
  await page.locator('form:has(input[name=login])').locator('button, input[type=submit]').first().click();
  await page.waitForURL(url => url.href.startsWith(`${portal}/`) && !url.pathname.startsWith('/auth/'));
}

export async function signIn(page, product, person) {
  await page.goto(`${product.portal}/`);
  await page.locator('main a[href^="/sign-in"]').first().click();
  await atProvider(page, person, product.portal);
}

export async function signOut(page) {
  await press(page, 'form[action="/sign-out"]');
}

/** Presses a form's button and returns the answer to the POST; the page that follows is loaded. */
export async function press(page, form) {
  const button = page.locator(`${form} button:not([type=button])`).first();
  const [answer] = await Promise.all([
    page.waitForResponse(response => response.request().method() === 'POST' && response.request().isNavigationRequest()),
    page.waitForEvent('load'),
    button.click(),
  ]);
  return answer;
}

/** The key as six tiles. */
export async function readKey(page) {
  const tiles = page.locator('.key.secret .g');
  await tiles.first().waitFor();
  const groups = await tiles.allInnerTexts();
  assert.equal(groups.length, 6, 'six tiles');
  for (const group of groups) assert.match(group, /^[A-Z0-9]{4}$/);
  const key = groups.join('-');
  shown.add(key);
  return key;
}

// ---- what a page must hold -----------------------------------------------------------------------------------------

/** Any trace of a key in a text: whole, without hyphens, or one of its groups as a word of its own. */
export function traces(text, key) {
  const groups = key.split('-');
  const found = [key, groups.join(''), groups.join(' ')].filter(form => text.toUpperCase().includes(form));
  const words = new Set(text.toUpperCase().split(/[^A-Z0-9]+/));
  return [...found, ...groups.filter(group => words.has(group))];
}

/** Everything of a page but its visible text: address, title, attributes, storage, history, cookies. */
async function surroundings(page) {
  const inside = await page.evaluate(async () => {
    const attributes = [...document.querySelectorAll('*')].flatMap(node => [...node.attributes].map(a => a.value));
    const fields = [...document.querySelectorAll('input, textarea, select')].map(field => field.value);
    return JSON.stringify([
      location.href, document.title, document.referrer, document.cookie, history.state, attributes, fields,
      { ...localStorage }, { ...sessionStorage }, await caches.keys(), (await indexedDB.databases()).map(d => d.name),
    ]);
  });
  return inside + JSON.stringify(await page.context().cookies());
}

/** The key stands in the tiles and nowhere else. */
export async function keyOnlyInTiles(page, key) {
  assert.deepEqual(traces(await surroundings(page), key), [], 'the key stands outside the tiles');
}

/** No trace of the key in the document or around it. */
export async function noKey(page, key) {
  assert.equal(await page.locator('.secret').count(), 0);
  assert.deepEqual(traces(await page.content(), key), [], 'the key is still in the document');
  await keyOnlyInTiles(page, key);
}

/** Nothing secret can be seen, although it may still be in the document (without script). */
export async function nothingSecretVisible(page, key) {
  const text = await page.evaluate(() => document.body.innerText);
  assert.deepEqual(traces(text, key), []);
}

/** The text of the page as it would be printed. */
export async function printed(page) {
  const dir = scratch();
  try {
    const file = join(dir, 'page.pdf');
    await page.pdf({ path: file });
    return (await run('pdftotext', ['-layout', file, '-'])).stdout;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** axe-core in a world of its own: the page's policy stays as it is and the page sees nothing of it. */
export async function axe(page) {
  const session = await page.context().newCDPSession(page);
  try {
    const { frameTree } = await session.send('Page.getFrameTree');
    const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
    const evaluate = async expression => {
      const { result, exceptionDetails } = await session.send('Runtime.evaluate', { expression, contextId, awaitPromise: true, returnByValue: true });
      assert.ok(!exceptionDetails, `axe: ${exceptionDetails?.exception?.description ?? exceptionDetails?.text}`);
      return result.value;
    };
    await evaluate(`${axeSource};0`);
    const violations = await evaluate(`axe.run(document, {
      resultTypes: ['violations'],
      runOnly: ['wcag2a', 'wcag2aa', 'wcag2aaa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }).then(found => found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')))`);
    assert.deepEqual(violations, [], `axe at ${page.url()}`);
  } finally {
    await session.detach();
  }
}

/** No sideways scroll, and no tile of the key runs out of its box. */
export async function noSidewaysScroll(page) {
  const wide = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const tiles = [...document.querySelectorAll('.key .g')].filter(tile => tile.scrollWidth > tile.clientWidth + 1).map(tile => 'tile');
    if (scrollWidth <= clientWidth) return tiles;
    const over = [...document.body.querySelectorAll('*')].filter(node => node.getBoundingClientRect().right > clientWidth + 1);
    return [...tiles, `${scrollWidth} > ${clientWidth}`, ...over.slice(0, 5).map(node => `${node.localName}.${node.className}`)];
  });
  assert.deepEqual(wide, [], `wider than the window: ${page.url()}`);
}

/** target/pictures/NAME-{lang}-{scheme}-{width}.png, the full page. */
export async function picture(page, name) {
  mkdirSync(pictures, { recursive: true });
  const { lang, scheme } = page.look;
  await page.screenshot({ path: join(pictures, `${name}-${lang}-${scheme}-${page.viewportSize().width}.png`), fullPage: true });
}
