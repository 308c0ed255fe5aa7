/** The checksum of a body, computed while it streams. @module */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { UploadError } from '../errors.ts'
import { parseChecksum } from '../protocol/tus-request.ts'
import {
  CHECKSUM_BYTES,
  type ChecksumAlgorithm,
  type UploadChecksum,
} from '../protocol/upload-checksum.ts'
import type { Batch, Content } from '../store/storage.ts'

interface Hash {
  update(piece: Uint8Array): unknown
  /** Base64. */
  digest(): string
}

/**
 * Hands `content` on and rejects instead of handing out its last batch when it does not hash to
 * `checksum`. Of one that is only told in the trailer section nobody knows the algorithm before: all
 * of them are computed.
 */
export function verified(
  content: Content,
  checksum: UploadChecksum | (() => string | undefined),
): Content {
  const algorithms = typeof checksum === 'function' ? ALL : [checksum.algorithm]
  const hashes = new Map(algorithms.map((algorithm) => [algorithm, createChecksum(algorithm)]))
  return {
    async read(timeoutMs?: number): Promise<Batch> {
      const batch = await content.read(timeoutMs)
      for (const piece of batch.pieces) for (const hash of hashes.values()) hash.update(piece)
      if (!batch.last) return batch
      const expected = typeof checksum === 'function' ? parseChecksum(checksum()) : checksum
      if (hashes.get(expected.algorithm)?.digest() === expected.digest) return batch
      throw new UploadError(
        'ERR_MISMATCHED_CHECKSUM',
        'the body does not have the checksum that was sent with it; nothing of it was kept',
      )
    },
  }
}

const ALL = Object.keys(CHECKSUM_BYTES) as ChecksumAlgorithm[]

function createChecksum(algorithm: ChecksumAlgorithm): Hash {
  if (algorithm === 'crc32') return createCrc32()
  const hash = createHash(algorithm)
  return { update: (piece) => hash.update(piece), digest: () => hash.digest('base64') }
}

function createCrc32(): Hash {
  let value = 0
  return {
    update(piece) {
      value = crc32(piece, value)
    },
    digest() {
      const bytes = Buffer.alloc(CHECKSUM_BYTES.crc32)
      bytes.writeUInt32BE(value)
      return bytes.toString('base64')
    },
  }
}
