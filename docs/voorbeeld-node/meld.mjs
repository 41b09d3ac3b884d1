// SPDX-License-Identifier: EUPL-1.2
// States kanaal.contact-ontvangen: seals what is read from standard input, and publishes it until the broker confirms
// that it took the message over, a few times at most. Prints the matter's id.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { CompactEncrypt, importJWK } from 'jose';
import { ACCOUNT, CONTENT_TYPE, ENTRANCE, envelope } from './contract.mjs';

const FACT = 'contact-ontvangen.v1';
const WAITS_MS = [1_000, 2_000, 4_000, 8_000]; // between the attempts
const CONFIRM_WITHIN_MS = 10_000;
const ACCESS_REFUSED = 403; // trying again does not help
const SIZES = [2_048, 8_192, 35_840]; // of content, in bytes: a seal shows how long it is, and must not tell more

/** The content as JSON, with spaces after it up to the first size that it fits in. */
function padded(content) {
  const json = Buffer.from(JSON.stringify(content));
  const size = SIZES.find((each) => json.length <= each);
  if (size === undefined) throw new Error(`the content is longer than ${SIZES.at(-1)} bytes`);
  return Buffer.concat([json, Buffer.alloc(size - json.length, ' ')]);
}

async function seal(content, jwks) {
  const now = Date.now() / 1000;
  const key = jwks.keys.findLast(({ exp }) => exp === undefined || exp > now); // the newest that is valid
  if (key === undefined) throw new Error('every key of the set has expired');
  return new CompactEncrypt(padded(content))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: key.kid, cty: 'json' })
    .encrypt(await importJWK(key, 'ECDH-ES'));
}

/** Resolves when the broker has taken the message over; rejects when it refused it, knows nobody for it, or is gone. */
function publish(channel, message) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no confirm came')), CONFIRM_WITHIN_MS).unref();
    channel.once('error', reject);
    channel.once('close', () => reject(new Error('the connection was lost')));
    channel.once('return', () => reject(new Error('nobody takes this in')));
    channel.publish(
      ENTRANCE,
      `${ACCOUNT}.${FACT}`,
      Buffer.from(JSON.stringify(message)),
      { contentType: CONTENT_TYPE, userId: ACCOUNT, messageId: message.id, persistent: true, mandatory: true },
      (error) => (error ? reject(error) : resolve()),
    );
  });
}

/** One attempt, on a connection of its own. */
async function attempt(message) {
  const connection = await connect(process.env.MELDPUNT_AMQP_URL, { timeout: CONFIRM_WITHIN_MS });
  connection.on('error', () => {}); // the channel tells
  try {
    await publish(await connection.createConfirmChannel(), message);
  } finally {
    await connection.close().catch(() => {}); // it may be closed already
  }
}

/** The same message each time, with the same id: what arrives twice is applied once. */
async function state(message) {
  for (const wait of [...WAITS_MS, null]) {
    try {
      return await attempt(message);
    } catch (error) {
      if (wait === null || error.code === ACCESS_REFUSED) throw error;
    }
    await sleep(wait);
  }
}

const jwks = JSON.parse(readFileSync(process.env.MELDPUNT_JWKS, 'utf8')); // read anew each time: keys change
const subject = randomUUID();
const message = envelope(FACT, subject, {
  kanaal: 'webformulier',
  ontvangen_op: new Date().toISOString(),
  verzegeld: await seal({ verhaal: await text(process.stdin) }, jwks),
});
try {
  // A real publisher stores the message before this and removes it after, so that a later run can send it again.
  await state(message);
  console.log(subject);
} catch (error) {
  console.error(`not confirmed: ${error.message} (id ${message.id}, subject ${subject})`);
  process.exitCode = 1;
}
