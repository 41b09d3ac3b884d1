// SPDX-License-Identifier: EUPL-1.2
// States kanaal.contact-ontvangen: seals what is read from standard input, and publishes it until it is confirmed.
// Prints the matter's id.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { connect } from 'amqplib';
import { CompactEncrypt, importJWK } from 'jose';
import { ACCOUNT, CONTENT_TYPE, EXCHANGE, envelope } from './contract.mjs';

const FACT = 'contact-ontvangen.v1';

async function seal(content, jwks) {
  const key = jwks.keys.at(-1); // the newest
  return new CompactEncrypt(Buffer.from(JSON.stringify(content)))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: key.kid, cty: 'json' })
    .encrypt(await importJWK(key, 'ECDH-ES'));
}

/** Resolves when the broker has taken the message over; rejects when it refused it or knows nobody for it. */
function publish(channel, message) {
  return new Promise((resolve, reject) => {
    channel.once('error', reject);
    channel.once('return', () => reject(new Error('nobody takes this in; send it again later')));
    channel.publish(
      EXCHANGE,
      `${ACCOUNT}.${FACT}`,
      Buffer.from(JSON.stringify(message)),
      { contentType: CONTENT_TYPE, userId: ACCOUNT, messageId: message.id, persistent: true, mandatory: true },
      (error) => (error ? reject(error) : resolve()),
    );
  });
}

const jwks = JSON.parse(readFileSync(process.env.MELDPUNT_JWKS, 'utf8'));
const subject = randomUUID();
const message = envelope(FACT, subject, {
  kanaal: 'webformulier',
  ontvangen_op: new Date().toISOString(),
  verzegeld: await seal({ verhaal: await text(process.stdin) }, jwks),
});
const connection = await connect(process.env.MELDPUNT_AMQP_URL);
try {
  await publish(await connection.createConfirmChannel(), message);
  console.log(subject);
} catch (error) {
  console.error(`not stated: ${error.message}`);
  process.exitCode = 1;
} finally {
  await connection.close();
}
