/** Any notes of an upload, for properties of records. @module */
import fc from 'fast-check'
import type { UploadEnd } from '../../src/store/upload.ts'
import type { UploadNotes } from '../../src/store/upload-notes.ts'

const text = fc.string({ unit: 'grapheme' })
const algorithm = fc.constantFrom('sha256' as const, 'sha512' as const)
const texts = fc.dictionary(text, text, { noNullPrototype: true })

export const notes: fc.Arbitrary<UploadNotes> = fc.record(
  {
    owner: text,
    concat: fc.record({ field: text, parts: fc.array(fc.uuid()) }, { requiredKeys: ['field'] }),
    expiry: fc.record({ afterMs: fc.nat(), sliding: fc.boolean() }),
    minima: fc.record({ size: fc.nat(), chunkSize: fc.nat() }),
    gated: fc.constant(true),
    digests: fc.record(
      { told: fc.record({ algorithm, digest: text }), wanted: algorithm },
      { requiredKeys: [] },
    ),
    sniffed: fc.constant(true),
    sha256: text,
    answer: fc.record({ status: fc.nat(), headers: texts, body: text }, { requiredKeys: [] }),
    refusal: fc.record({ status: fc.nat(), message: text }),
  },
  { requiredKeys: [] },
)

export const ended: fc.Arbitrary<UploadEnd | null> = fc.constantFrom(
  null,
  'terminated',
  'expired',
  'refused',
)
