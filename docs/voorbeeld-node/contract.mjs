// SPDX-License-Identifier: EUPL-1.2
// What the contract says: the account, the exchange, and the envelope of a fact, checked against its JSON Schema.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const FOLDER = process.env.MELDPUNT_CONTRACT ?? '../../contract';

export const ACCOUNT = 'kanaal';
export const EXCHANGE = 'meldpunt'; // to listen to
export const ENTRANCE = `${EXCHANGE}.${ACCOUNT}`; // to publish to
export const CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';

/** Throws, with the places that are wrong and never with what stands there. */
function validated(message, schema) {
  const valid = addFormats(new Ajv2020({ strict: false })).compile(schema);
  if (valid(message)) return message;
  const places = valid.errors.map(({ instancePath, keyword }) => `${instancePath || '/'} (${keyword})`);
  throw new Error(`${schema.title} is not as its schema says: ${places.join(', ')}`);
}

/** A new message of one fact ("contact-ontvangen.v1") about one matter. */
export function envelope(fact, subject, data) {
  const schema = JSON.parse(readFileSync(join(FOLDER, 'schemas', `${fact}.json`), 'utf8'));
  const { properties, $id } = schema;
  const message = {
    specversion: '1.0',
    id: randomUUID(),
    source: properties.source.enum.find((source) => source.endsWith(`:${ACCOUNT}`)),
    type: properties.type.const,
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: $id,
    data,
  };
  return validated(message, schema);
}
