/**
 * `Upload-Concat` (tus 1.0.0, Concatenation): `partial`, or `final;` and the URLs of the parts. Pure.
 *
 * @module
 */

/** The field, understood. */
export type UploadConcatField =
  | { readonly type: 'partial' }
  | { readonly type: 'final'; readonly urls: readonly string[] }

/** `undefined` outside the grammar. */
export function parseUploadConcat(field: string): UploadConcatField | undefined {
  if (field === 'partial') return { type: 'partial' }
  if (!field.startsWith('final;')) return undefined
  const urls = field.slice('final;'.length).trim().split(/ +/)
  return urls[0] === '' ? undefined : { type: 'final', urls }
}
