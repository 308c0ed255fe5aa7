/** The table over tus-node-server, the server for Node.js of the tus project. @module */
import { TUS_CORE_CASES } from '../conformance/cases-tus-core.ts'
import { TUS_CREATION_CASES } from '../conformance/cases-tus-creation.ts'
import { TUS_CREATION_WITH_UPLOAD_CASES } from '../conformance/cases-tus-creation-with-upload.ts'
import { TUS_DEFER_LENGTH_CASES } from '../conformance/cases-tus-defer-length.ts'
import { TUS_EXPIRATION_CASES } from '../conformance/cases-tus-expiration.ts'
import { TUS_TERMINATION_CASES } from '../conformance/cases-tus-termination.ts'
import { describePeer } from '../conformance/peer.ts'
import { startPeer } from '../conformance/peer-process.ts'

const SCRIPT = new URL('tus-node-server.mjs', import.meta.url).pathname

describePeer({
  name: '@tus/server 2.4',
  start: (options) =>
    startPeer(
      process.execPath,
      (directory) => [SCRIPT, directory, JSON.stringify(options)],
      /listening on (\d+)/,
    ),
  rows: [
    ...TUS_CORE_CASES,
    ...TUS_CREATION_CASES,
    ...TUS_CREATION_WITH_UPLOAD_CASES,
    ...TUS_DEFER_LENGTH_CASES,
    ...TUS_EXPIRATION_CASES,
    ...TUS_TERMINATION_CASES,
  ],
  options: ['maxSize', 'expiration'],
  id: '[0-9a-f]{32}',
  deviations: [
    {
      instead: 'answers 404 without Cache-Control',
      fails: /^Cache-Control: expected undefined/,
      rows: ['tus-head-unknown'],
    },
    {
      instead: 'answers 403 or 400, not 415',
      fails: /expected \[ 415 \] to include 40[03]/,
      rows: ['tus-patch-content-type-missing', 'tus-patch-content-type-wrong'],
    },
    {
      instead: 'compares media types letter for letter',
      fails: /Invalid content-type\n: expected \[ 204 \] to include 400/,
      rows: ['tus-patch-content-type-case'],
    },
    {
      instead: 'does not tell the offset with the 409',
      fails: /^Upload-Offset: expected undefined/,
      rows: ['tus-patch-offset-behind', 'tus-patch-offset-ahead'],
    },
    {
      instead: 'answers 412 without Tus-Version',
      fails: /^Tus-Version: expected \[\] to include '1\.0\.0'/,
      rows: ['tus-version-missing-post', 'tus-version-missing-patch'],
    },
    {
      instead: 'answers another version 400',
      fails: /expected \[ 412 \] to include 400/,
      rows: [
        'tus-version-unsupported-post',
        'tus-version-unsupported-head',
        'tus-version-unsupported-patch',
        'tus-version-unsupported-delete',
        'tus-delete-version',
      ],
    },
    {
      instead: 'does not know X-HTTP-Method-Override',
      fails: /expected \[ (?:204|405) \] to include (?:400|404|204)/,
      rows: [
        'tus-override',
        'tus-override-ignores-method',
        'tus-override-unknown',
        'tus-delete-override',
      ],
    },
    {
      instead: 'creates every upload under one path',
      fails: /^Location: expected 'http:/,
      rows: ['tus-create-path'],
    },
    {
      instead: 'takes every value for UTF-8',
      fails: /^Upload-Metadata: expected 'raw 77\+9AO\+\/vQ==/,
      rows: ['tus-create-metadata-binary'],
    },
    {
      instead: 'creates an upload and ignores the body',
      fails: /expected \[ 415 \] to include 201/,
      rows: ['tus-cwu-content-type', 'tus-cwu-no-content-type'],
    },
    {
      instead: 'has no checksums',
      fails: /expected \[ 460 \] to include 201/,
      rows: ['tus-cwu-checksum-mismatch'],
    },
    {
      instead: 'refuses a length that is told again',
      fails: /expected \[ 204 \] to include 400/,
      rows: ['tus-defer-repeated'],
    },
    {
      instead: 'announces expiration although nothing expires',
      fails: /^Tus-Extension: /,
      rows: ['tus-expiration-not-announced'],
    },
    {
      instead: 'tells the expiration only later',
      fails: /^Upload-Expires: /,
      rows: ['tus-expiration-create'],
    },
    {
      instead: 'answers 404, not 410, to what was there',
      fails: /HEAD afterwards: expected 404 to be 410|expected \[ 410 \] to include 404/,
      rows: [
        'tus-expired-delete',
        'tus-delete',
        'tus-delete-empty',
        'tus-delete-completed',
        'tus-delete-again',
        'tus-delete-patch',
      ],
    },
  ],
})
