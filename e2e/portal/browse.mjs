// A browser that does as it is told, without JavaScript in its pages: Debian's Chromium, driven by puppeteer-core.
// Usage: node browse.mjs SOCKET CERTIFICATE PROFILE. Each line on the socket is a step, {as, act, ...}; each is answered by one line.
// `as` names a person: each has cookies of their own. What a step can be is the object `acts`; what a page loads or complains of is kept
// for `heard`.
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import puppeteer from 'puppeteer-core';

const [socket, certificate, profile] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const limit = 30_000;

// The one key that is trusted: any other certificate is refused as in everybody's browser.
const key = new X509Certificate(readFileSync(certificate)).publicKey.export({ type: 'spki', format: 'der' });
const pin = createHash('sha256').update(key).digest('base64');

const browser = await puppeteer.launch({
  executablePath: '/usr/bin/chromium',
  userDataDir: profile,
  // So that the browser ends when this process does, however that ends.
  pipe: true,
  args: [`--ignore-certificate-errors-spki-list=${pin}`, '--no-sandbox', '--disable-crash-reporter', '--disable-breakpad',
    '--disable-background-networking', '--no-first-run', '--disable-sync', '--disable-gpu', '--disable-dev-shm-usage',
    '--force-color-profile=srgb', '--lang=en-GB'],
  defaultViewport: { width: 1280, height: 900 },
});
const tabs = new Map();

// A person's page, and a witness of what it does.
async function tab(person) {
  if (tabs.has(person)) return tabs.get(person);
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(limit);
  await page.setJavaScriptEnabled(false);
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }, { name: 'prefers-reduced-motion', value: 'reduce' }]);
  const made = { context, page, status: null, heard: { origins: new Set(), complaints: [] } };
  page.on('request', (request) => made.heard.origins.add(new URL(request.url()).origin));
  page.on('response', (response) => {
    if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) made.status = response.status();
  });
  const session = await page.createCDPSession();
  session.on('Log.entryAdded', ({ entry }) => {
    // The status of a page itself is the test's to judge.
    const own = entry.source === 'network' && entry.url === page.url();
    if (!own) made.heard.complaints.push(`${entry.source}: ${entry.text}`);
  });
  session.on('Audits.issueAdded', ({ issue }) => {
    if (issue.code === 'ContentSecurityPolicyIssue') {
      made.heard.complaints.push(`content security policy: ${issue.details.contentSecurityPolicyIssueDetails.violatedDirective}`);
    }
  });
  await session.send('Log.enable');
  await session.send('Audits.enable');
  tabs.set(person, made);
  return made;
}

// What a page shows, as far as tests ask.
async function look({ page, status }) {
  const seen = await page.evaluate(() => {
    const clean = (text) => (text ?? '').replace(/\s+/g, ' ').trim();
    const named = (control) => clean(control.labels?.[0]?.textContent ?? control.getAttribute('aria-label'));
    return {
      title: document.title,
      heading: clean(document.querySelector('h1')?.textContent),
      text: document.body.innerText,
      alerts: [...document.querySelectorAll('[role=alert]')].map((alert) => clean(alert.textContent)),
      links: [...document.links].map((link) => ({ text: clean(link.textContent), href: link.href })),
      forms: [...document.forms].map((form) => ({
        action: form.action,
        buttons: [...form.querySelectorAll('button, input[type=submit]')].map((button) => clean(button.textContent || button.value)),
        fields: [...form.elements].filter((field) => field.name).map((field) => ({
          name: field.name, type: field.type, label: named(field), value: field.value,
        })),
      })),
    };
  });
  return { url: page.url(), status, ...seen };
}

// Does something that leaves the page, and waits for the next.
async function leaving(page, work) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load', timeout: limit }), work()]);
}

// Presses Tab until a wanted element has the focus.
async function reach(page, wanted, what) {
  await page.evaluate(() => document.activeElement?.blur());
  const handle = await wanted();
  if (!handle) throw new Error(`there is no ${what} on ${page.url()}`);
  for (let pressed = 0; pressed < 400; pressed += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((element) => document.activeElement === element, handle)) return handle;
  }
  throw new Error(`${what} on ${page.url()} is not reached by keyboard`);
}

function element(page, find, ...given) {
  return page.evaluateHandle(find, ...given).then((handle) => handle.asElement());
}

const link = (page, text) => () => element(page, (wanted) =>
  [...document.links].find((one) => one.textContent.replace(/\s+/g, ' ').trim() === wanted), text);
const button = (page, text, within) => () => element(page, (wanted, action) =>
  [...document.querySelectorAll('button, input[type=submit]')].find((one) => (one.textContent || one.value).replace(/\s+/g, ' ').trim() === wanted
    && (!action || one.form?.action.includes(action))), text, within ?? null);

// Fills one field of the form that a button belongs to.
async function fill(page, submit, name, value) {
  const field = await element(page, (owner, wanted, choice) => {
    const all = [...owner.form.elements].filter((one) => one.name === wanted);
    return all.find((one) => one.type === 'radio' && one.value === choice) ?? all.find((one) => one.type === 'checkbox' && one.value === choice)
      ?? all.find((one) => one.type !== 'hidden');
  }, submit, name, String(value));
  if (!field) throw new Error(`the form has no field ${name} on ${page.url()}`);
  const kind = await field.evaluate((one) => one.type);
  if (kind === 'select-one') {
    await field.select(String(value));
  } else if (kind === 'radio' || kind === 'checkbox') {
    const wanted = value !== false;
    await field.focus();
    if (await field.evaluate((one) => one.checked) !== wanted) await page.keyboard.press('Space');
  } else {
    await field.focus();
    await field.evaluate((one) => one.select());
    await page.keyboard.press('Delete');
    await field.type(String(value));
  }
}

const acts = {
  // Opens an address.
  async visit({ page }, { url }) {
    await page.goto(url, { waitUntil: 'load' });
  },
  // Looks again at the page as it is.
  async look() {},
  // Follows a link, found by its words, with Tab and Enter.
  async follow({ page }, { text }) {
    await reach(page, link(page, text), `link "${text}"`);
    await leaving(page, () => page.keyboard.press('Enter'));
  },
  // Fills a form and presses its button, all by keyboard.
  async submit({ page }, { button: text, within, fields = {} }) {
    const submit = await button(page, text, within)();
    if (!submit) throw new Error(`there is no button "${text}" on ${page.url()}: ${(await page.evaluate(() => document.body.innerText)).slice(0, 800)}`);
    for (const [name, value] of Object.entries(fields)) await fill(page, submit, name, value);
    await reach(page, button(page, text, within), `button "${text}"`);
    await leaving(page, () => page.keyboard.press('Enter'));
  },
  // Sends a form otherwise than the page does: without one of its fields, with others, or to another address.
  async forge({ page }, { button: text, within, without, fields = {}, action, add = {} }) {
    const submit = await button(page, text, within)();
    if (!submit) throw new Error(`there is no button "${text}" on ${page.url()}`);
    for (const [name, value] of Object.entries(fields)) await fill(page, submit, name, value);
    const changed = await submit.evaluate((one, gone, to, more) => {
      const found = [...one.form.elements].filter((field) => field.name === gone);
      found.forEach((field) => field.remove());
      if (to) one.form.action = to;
      for (const [name, value] of Object.entries(more)) {
        const field = Object.assign(document.createElement('input'), { type: 'hidden', name, value });
        one.form.append(field);
      }
      return !gone || found.length > 0;
    }, without ?? null, action ?? null, add);
    if (!changed) throw new Error(`the form has no field ${without}`);
    await leaving(page, () => submit.evaluate((one) => one.form.submit()));
  },
  // What can be reached by keyboard, and what cannot or does not show that it has the focus.
  async keyboard({ page }) {
    await page.evaluate(() => document.activeElement?.blur());
    const wanted = await page.evaluate(() => {
      const controls = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')];
      const shown = controls.filter((one) => one.checkVisibility() && !one.disabled);
      // Of a group of radio buttons Tab reaches one; arrows reach the others.
      const groups = new Set();
      return shown.filter((one) => one.type !== 'radio' || (!groups.has(one.name) && groups.add(one.name)))
        .map((one) => one.name || one.textContent.replace(/\s+/g, ' ').trim() || one.tagName);
    });
    const reached = [];
    const unmarked = [];
    let stayed = 0;
    for (let pressed = 0; pressed < 400; pressed += 1) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const one = document.activeElement;
        if (!one || one === document.body) return null;
        const { outlineStyle, boxShadow } = getComputedStyle(one);
        const again = one.dataset.tabbed;
        document.querySelectorAll('[data-tabbed=now]').forEach((last) => { last.dataset.tabbed = 'before'; });
        one.dataset.tabbed = 'now';
        return { again, name: one.name || one.textContent.replace(/\s+/g, ' ').trim() || one.tagName, marked: outlineStyle !== 'none' || boxShadow !== 'none' };
      });
      if (!at || at.again === 'before') break;
      // A date has several places in one field.
      stayed = at.again === 'now' ? stayed + 1 : 0;
      if (stayed > 6) break;
      if (stayed > 0) continue;
      reached.push(at.name);
      if (!at.marked) unmarked.push(at.name);
    }
    await page.evaluate(() => document.querySelectorAll('[data-tabbed]').forEach((one) => delete one.dataset.tabbed));
    return { reached: reached.length, unreached: wanted.filter((name) => !reached.includes(name)), unmarked };
  },
  // A picture of the whole page, without the focus ring of whatever was pressed last.
  async screenshot({ page }, { file }) {
    await page.evaluate(() => document.activeElement?.blur());
    await page.screenshot({ path: file, fullPage: true });
    return {};
  },
  // What axe-core finds against WCAG 2.2 A and AA. The page's own scripts stay unrun: it is loaded already.
  async axe(own) {
    const { page, heard } = own;
    const before = { origins: new Set(heard.origins), complaints: [...heard.complaints] };
    await page.setJavaScriptEnabled(true);
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      // What is folded is looked at too.
      const folded = [...document.querySelectorAll('details:not([open])')];
      folded.forEach((one) => { one.open = true; });
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
      const { violations: found, passes } = await globalThis.axe.run(document, { runOnly: { type: 'tag', values: tags }, preload: false });
      folded.forEach((one) => { one.open = false; });
      if (passes.length === 0) throw new Error('axe looked at nothing');
      return found.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`);
    });
    await page.setJavaScriptEnabled(false);
    // What the checker itself asked for is not the page's doing.
    Object.assign(heard, before);
    return { violations };
  },
  // Loads the page again with JavaScript allowed, so that what its policy forbids would be tried.
  async strict({ page }) {
    await page.setJavaScriptEnabled(true);
    await page.reload({ waitUntil: 'networkidle0' });
    await page.setJavaScriptEnabled(false);
  },
  // Origins that were asked and complaints that were made since the last time.
  async heard({ heard }) {
    const told = { origins: [...heard.origins].filter((origin) => origin !== 'null'), complaints: heard.complaints };
    Object.assign(heard, { origins: new Set(), complaints: [] });
    return told;
  },
  async cookies({ context }) {
    return { cookies: (await context.cookies()).map(({ name, domain, path, httpOnly, secure, sameSite }) => ({ name, domain, path, httpOnly, secure, sameSite })) };
  },
  // Another person, or the same on another day.
  async forget({ context }, { as }) {
    tabs.delete(as);
    await context.close();
    return {};
  },
};

async function step(line) {
  const { as, act, ...given } = JSON.parse(line);
  if (!Object.hasOwn(acts, act)) throw new Error(`no act ${act}`);
  const own = await tab(as);
  return (await acts[act](own, { as, ...given })) ?? look(own);
}

createServer(async (stream) => {
  for await (const line of createInterface({ input: stream })) {
    const answer = await step(line).then((done) => ({ done }), (error) => ({ error: error.message }));
    stream.write(`${JSON.stringify(answer)}\n`);
  }
  await browser.close();
  process.exit();
}).listen(socket);
