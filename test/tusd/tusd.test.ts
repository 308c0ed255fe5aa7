/** The table over tusd, the reference server of the tus project. @module */
import { TUS_CONCATENATION_CASES } from '../conformance/cases-tus-concatenation.ts'
import { TUS_CORE_CASES } from '../conformance/cases-tus-core.ts'
import { TUS_CREATION_CASES } from '../conformance/cases-tus-creation.ts'
import { TUS_CREATION_WITH_UPLOAD_CASES } from '../conformance/cases-tus-creation-with-upload.ts'
import { TUS_DEFER_LENGTH_CASES } from '../conformance/cases-tus-defer-length.ts'
import { TUS_TERMINATION_CASES } from '../conformance/cases-tus-termination.ts'
import type { Running, ServerOptions } from '../conformance/exchange.ts'
import { describePeer } from '../conformance/peer.ts'
import { startPeer } from '../conformance/peer-process.ts'
import { required } from '../run.ts'

function start({ maxSize = 0 }: ServerOptions): Promise<Running> {
  const limits = [`-max-size=${maxSize}`]
  return startPeer(
    required('TUSSI_TUSD', 'tusd 2.8.0'),
    (directory) => ['-host=127.0.0.1', '-port=0', `-upload-dir=${directory}`, ...limits],
    /upload files to: http:\/\/127\.0\.0\.1:(\d+)/,
  )
}

describePeer({
  name: 'tusd 2.8.0',
  start,
  rows: [
    ...TUS_CORE_CASES,
    ...TUS_CREATION_CASES,
    ...TUS_CREATION_WITH_UPLOAD_CASES,
    ...TUS_DEFER_LENGTH_CASES,
    ...TUS_CONCATENATION_CASES,
    ...TUS_TERMINATION_CASES,
  ],
  options: ['maxSize'],
  id: '[0-9a-f]{32}',
  deviations: [
    {
      instead: 'answers 404 without Cache-Control',
      fails: /^Cache-Control: expected undefined/,
      rows: ['tus-head-unknown'],
    },
    {
      instead: 'answers 400, not 415',
      fails: /expected \[ 415 \] to include 400/,
      rows: ['tus-patch-content-type-missing', 'tus-patch-content-type-wrong'],
    },
    {
      instead: 'compares media types letter for letter',
      fails: /ERR_INVALID_CONTENT_TYPE[\s\S]*expected \[ 204 \] to include 400/,
      rows: ['tus-patch-content-type-case'],
    },
    {
      instead: 'does not tell the offset with the 409',
      fails: /^Upload-Offset: expected undefined/,
      rows: ['tus-patch-offset-behind', 'tus-patch-offset-ahead'],
    },
    {
      instead: 'answers 200, which is allowed as well',
      fails: /expected \[ 204 \] to include 200/,
      rows: ['tus-options-status', 'tus-options-upload'],
    },
    {
      instead: 'answers 412 without Tus-Version',
      fails: /^Tus-Version: expected \[\] to include '1\.0\.0'/,
      rows: [
        'tus-version-missing-post',
        'tus-version-missing-patch',
        'tus-version-unsupported-post',
        'tus-version-unsupported-patch',
        'tus-version-unsupported-delete',
      ],
    },
    {
      instead: 'answers HEAD in any version',
      fails: /expected \[ 412 \] to include 200/,
      rows: ['tus-version-unsupported-head'],
    },
    {
      instead: 'takes another method only of POST, and none that it does not know',
      fails: /expected \[ 204 \] to include 405|expected \[ 405 \] to include 204/,
      rows: ['tus-override-ignores-method', 'tus-override-unknown'],
    },
    {
      instead: 'serves one path',
      fails: /Welcome to tusd/,
      rows: ['tus-create-path'],
    },
    {
      instead: 'keeps the pairs in no order',
      fails: /^Upload-Metadata: /,
      tries: 50,
      rows: ['tus-create-metadata-key-alone', 'tus-create-metadata-order'],
    },
    {
      instead: 'takes every value for UTF-8',
      fails: /^Upload-Metadata: expected '.*raw 77\+9AO\+\/vQ==/,
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
      instead: 'answers 400 to a length over its limit that comes later',
      fails: /expected \[ 413 \] to include 400/,
      rows: ['tus-defer-max-size'],
    },
    {
      instead: 'cuts the body at its limit and says nothing',
      fails: /expected \[ 413 \] to include 204/,
      rows: ['tus-defer-max-size-bytes'],
    },
    {
      instead: 'answers 404, not 410, to what was there',
      fails: /HEAD afterwards: expected 404 to be 410|expected \[ 410 \] to include 404/,
      rows: [
        'tus-delete',
        'tus-delete-empty',
        'tus-delete-completed',
        'tus-delete-override',
        'tus-delete-again',
        'tus-delete-patch',
        'tus-concat-partial-delete',
      ],
    },
    {
      instead: 'joins only parts that are finished',
      fails: /to include 'concatenation-unfinished'/,
      rows: ['tus-concat-announced'],
    },
    {
      instead: 'tells the URLs of the parts as absolute ones, whatever they were',
      fails: /^Upload-Concat: expected 'final;http:/,
      rows: ['tus-concat-final'],
    },
    {
      instead: 'knows parts by everything behind its own path',
      fails: /expected \[ 201 \] to include 404/,
      rows: ['tus-concat-final-prefix'],
    },
    {
      instead: 'ignores the length of what is joined',
      fails: /expected \[ 400 \] to include 201/,
      rows: ['tus-concat-final-length'],
    },
    {
      instead: 'takes an empty Upload-Concat for none',
      fails: /expected \[ 400 \] to include 201/,
      rows: ['tus-concat-invalid-5'],
    },
    {
      instead: 'answers 404, not 400, to a part that is not there',
      fails: /ERR_UPLOAD_NOT_FOUND[\s\S]*expected \[ 400 \] to include 404/,
      rows: [
        'tus-concat-terminated',
        'tus-concat-url-0',
        'tus-concat-url-3',
        'tus-concat-url-4',
        'tus-concat-url-5',
      ],
    },
    {
      instead: 'takes the last bytes of a finished part that come again for wrong ones',
      fails: /expected \[ 204 \] to include 409/,
      rows: ['tus-concat-partial-repeated-patch'],
    },
  ],
})
