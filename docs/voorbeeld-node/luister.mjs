// SPDX-License-Identifier: EUPL-1.2
// Listens, as the channel that states contacts, to what becomes of them. Prints one line of JSON for each fact, and
// runs until it is stopped.
import { connect } from 'amqplib';
import { ACCOUNT, EXCHANGE } from './contract.mjs';

const FACTS = ['contact-geregistreerd.v1', 'ontvangst-bevestigd.v1'];
const QUEUE = `${ACCOUNT}.voorbeeld`;
const EXPIRES_MS = 24 * 60 * 60 * 1000; // an example leaves nothing behind; a real listener's queue waits for it

const seen = new Set(); // a real listener keeps these beside what it did with them, in one transaction

/** Takes what it knows and ignores the rest: fields and codes may be added at any time. */
function hear(content, fact) {
  const message = JSON.parse(content);
  const key = `${message.source} ${message.id}`;
  if (seen.has(key)) return;
  seen.add(key);
  console.log(JSON.stringify({ fact, subject: message.subject, data: message.data }));
}

const connection = await connect(process.env.MELDPUNT_AMQP_URL);
const channel = await connection.createChannel();
await channel.assertQueue(QUEUE, { durable: true, expires: EXPIRES_MS, arguments: { 'x-queue-type': 'quorum' } });
for (const fact of FACTS) await channel.bindQueue(QUEUE, EXCHANGE, `intake.${fact}`);
await channel.prefetch(50);
await channel.consume(QUEUE, (delivery) => {
  if (delivery === null) process.exit(1); // the queue was removed
  try {
    hear(delivery.content, delivery.fields.routingKey.replace(/^intake\./, ''));
  } catch {
    console.error('a message that is no JSON was let go'); // nothing may wait behind it
  }
  channel.ack(delivery);
});
console.error('listening');
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => connection.close());
