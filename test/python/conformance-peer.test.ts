/** The table over the Python original. @module */
import { FORWARDED_CASES } from '../conformance/cases-forwarded.ts'
import { TUS_CORE_CASES } from '../conformance/cases-tus-core.ts'
import { TUS_CREATION_CASES } from '../conformance/cases-tus-creation.ts'
import { describePeer } from '../conformance/peer.ts'
import { startPythonServer } from './python-server.ts'

describePeer({
  name: 'Python tussi 3.1',
  start: startPythonServer,
  rows: [...TUS_CORE_CASES, ...TUS_CREATION_CASES, ...FORWARDED_CASES],
  // It has none for a public URL.
  options: ['maxSize', 'maxChunkSize', 'maxMetadataSize', 'trustedProxies'],
  deviations: [
    {
      instead: 'answers 204 to HEAD',
      fails: /expected \[ 200 \] to include 204/,
      rows: ['tus-head-status'],
    },
    {
      instead: 'answers 404 to HEAD once an upload is completed',
      fails: /expected \[ 200, 204 \] to include 404/,
      rows: ['tus-head-offset-complete', 'tus-patch-last'],
    },
    {
      instead: 'answers 400 without Content-Length',
      fails: /expected \[ 204 \] to include 400/,
      rows: ['tus-patch-chunked'],
    },
    {
      instead: 'goes by the actual method when the other one is unknown',
      fails: /expected \[ 405 \] to include 20[04]/,
      rows: ['tus-override-unknown'],
    },
    {
      instead: 'drops a key without a value',
      fails: /^Upload-Metadata: /,
      rows: ['tus-create-metadata-key-alone', 'tus-create-metadata-order'],
    },
    {
      instead: 'drops a value that is not UTF-8',
      fails: /^Upload-Metadata: expected 'a YQ=='/,
      rows: ['tus-create-metadata-binary'],
    },
    {
      instead: 'takes any scheme from a trusted proxy',
      fails: /^Location: expected 'javascript:/,
      rows: ['forwarded-trusted-nonsense'],
    },
  ],
})
