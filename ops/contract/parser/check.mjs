// SPDX-License-Identifier: EUPL-1.2
// Reads an AsyncAPI document with the official parser. Prints its errors and warnings, one a line; ends with 1 when
// there are any.
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';

const ERROR_OR_WARNING = 1; // hints about style and newer versions of the specification are no faults

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], 'utf8'));
const faults = diagnostics.filter(({ severity }) => severity <= ERROR_OR_WARNING);
for (const { range, path, message } of faults) {
  console.log(`line ${range.start.line + 1}, ${path.join('.')}: ${message}`);
}
if (document) {
  console.log(`messages: ${document.messages().length}, operations: ${document.operations().length}`);
}
process.exitCode = document && faults.length === 0 ? 0 : 1;
