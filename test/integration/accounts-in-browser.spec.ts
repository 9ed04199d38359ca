import { generateKeyPairSync } from 'node:crypto';
import { chromium, type Browser, type Page } from 'playwright-core';
import { shared } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organisation, PASSWORD, TestApi } from './api.js';
import { App } from './people.js';

const HOST = 'vouch.localhost';
const [north] = organisation;
if (!north) throw new Error('The organisation of the tests is not whole.');

let api: TestApi;
let browser: Browser;
let page: Page;
let app: App;
const complaints: string[] = [];

beforeAll(async () => {
  // Passkeys belong to a name, not to an address and port.
  api = await TestApi.start({ VOUCH_PUBLIC_URL: `http://${HOST}` });
  const there = `--host-resolver-rules=MAP ${HOST} ${new URL(api.url).host}`;
  const args = ['--no-sandbox', '--disable-gpu', there];
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
  page = await browser.newPage();
  page.setDefaultTimeout(8_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // The browser itself notes refusals that the page asked for and shows.
    if (message.type() === 'error' && !/status of 4(01|03|22)/.test(message.text())) complaints.push(message.text());
  });
});
afterAll(async () => {
  await browser?.close();
  await api.stop();
});

const press = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();

async function signIn(): Promise<void> {
  await page.goto(`http://${HOST}`);
  await page.getByLabel('E-mail').fill(north?.boss ?? '');
  await page.getByLabel('Password').fill(PASSWORD);
  await press('Sign in');
}

/** One step of the console's way through an account, in order: each begins where the one before ended. */
describe('an account in a browser', { shuffle: false }, () => {
  it('sets up a second factor before anything else is shown', async () => {
    await signIn();
    await page.locator('.qr svg').waitFor();
    const secret = (await page.locator('code').innerText()).replaceAll(' ', '');
    app = new App(secret);
    await page.getByLabel('The six digits').fill('000000');
    await press('Check the code');
    await page.getByText('This code is wrong').waitFor();
    await page.getByLabel('The six digits').fill(app.code(-1));
    await press('Check the code');
    await page.getByRole('heading', { name: 'Recovery codes' }).waitFor();
    expect(await page.locator('.recovery-codes li').count()).toBe(10);
    await press('I have kept them');
    await page.getByRole('link', { name: 'Account of' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('shows who belongs to the organisation, and changes a role', async () => {
    await page.getByRole('link', { name: 'Members' }).click();
    const row = page.getByRole('listitem').filter({ hasText: north.reader });
    await row.getByRole('combobox').selectOption('technician');
    const listed = page.waitForResponse((response) => response.url().includes('/api/v1/members?'));
    await row.getByRole('button', { name: 'Change', exact: true }).click();
    await listed;
    await row.getByRole('button', { name: 'Change', exact: true }).waitFor();
    await expect.poll(() => row.getByRole('combobox').inputValue()).toBe('technician');
    await page.reload();
    await expect.poll(() => row.getByRole('combobox').inputValue()).toBe('technician');
  });

  it('asks again before what is dangerous, and goes on with it', async () => {
    await api.database.platform.transaction(shared, (tx) =>
      tx.query(`update identity_session set stepped_up_at = stepped_up_at - interval '11 minutes'`),
    );
    await page.getByRole('link', { name: 'Account of' }).click();
    await press('New recovery codes');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Password').fill('not it');
    await dialog.getByLabel('Code').fill(app.code());
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await dialog.getByText('password is wrong').waitFor();
    await dialog.getByLabel('Password').fill(PASSWORD);
    await dialog.getByLabel('Code').fill(app.code());
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('heading', { name: 'Recovery codes' }).waitFor();
    expect(await dialog.isVisible()).toBe(false);
    await press('I have kept them');
  });

  it('says why a password is refused, and takes a better one', async () => {
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByLabel('New password').fill('password1234');
    await press('Change the password');
    await page.getByText('easy to guess').waitFor();
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByLabel('New password').fill('seven lamps under dark water');
    await press('Change the password');
    await page.getByText('Your password is changed').waitFor();
    expect(await page.getByLabel('Present password').inputValue()).toBe('');
  });

  it('asks for the second factor at the next sign-in', async () => {
    await press('Sign out');
    await page.getByLabel('E-mail').fill(north.boss);
    await page.getByLabel('Password').fill('seven lamps under dark water');
    await press('Sign in');
    await page.getByText('One more step').waitFor();
    await page.getByLabel('Code').fill(app.code(1));
    await press('Go on');
    await page.getByRole('link', { name: 'Account of' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('may be opened by a passkey alone, which also proves again who it is', async () => {
    const client = await page.context().newCDPSession(page);
    await client.send('WebAuthn.enable');
    const { authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await page.getByRole('link', { name: 'Account of' }).click();
    await page.getByLabel('Name').fill('Laptop');
    const elsewhere = { cookie: await api.signIn(north.boss) };
    expect((await api.get('/api/v1/session', elsewhere)).status).toBe(200);
    await press('Add a passkey');
    await page.getByText('not used yet').waitFor();
    expect((await api.get('/api/v1/session', elsewhere)).status).toBe(401);

    await press('Sign out');
    await press('Sign in with a passkey');
    await page.getByRole('link', { name: 'Account of' }).click();
    await page.getByText(/added .*, used /).waitFor();

    await api.database.platform.transaction(shared, (tx) =>
      tx.query(`update identity_session set stepped_up_at = stepped_up_at - interval '11 minutes'`),
    );
    await press('New recovery codes');
    await page.getByRole('dialog').getByRole('button', { name: 'Use a passkey' }).click();
    await page.getByRole('heading', { name: 'Recovery codes' }).waitFor();
    await press('I have kept them');
    expect(complaints).toEqual([]);

    // A key of another authenticator under the same name opens nothing.
    const { credentials } = await client.send('WebAuthn.getCredentials', { authenticatorId });
    await client.send('WebAuthn.clearCredentials', { authenticatorId });
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const privateKey = stranger.export({ type: 'pkcs8', format: 'der' }).toString('base64');
    for (const credential of credentials)
      await client.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credential, privateKey } });
    await press('Sign out');
    await press('Sign in with a passkey');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('link', { name: 'Account of' }).count()).toBe(0);
  });

  it('reads how the API is used, on a page that runs no script but its own', async () => {
    await page.goto(`http://${HOST}/api/docs`);
    await page.locator('.swagger-ui .info').waitFor({ timeout: 30_000 });
    expect(complaints).toEqual([]);
  });
});
