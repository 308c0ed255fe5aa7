/** Names of uploads. Nothing else reaches a storage. @module */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether `text` is a UUID in lower case. */
export function isUploadId(text: string): boolean {
  return UUID.test(text)
}
