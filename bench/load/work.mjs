/**
 * What one operation of a load is, in requests of tus 1.0.0.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

/** @typedef {import('./connection.mjs').Connection} Connection */
/** @typedef {import('./connection.mjs').Answer} Answer */

/**
 * @typedef {object} Job what the load is told
 * @property {number} port
 * @property {string} path where uploads are created
 * @property {WorkName} work
 * @property {number} connections at once
 * @property {number} [seconds] the load ends after them
 * @property {number} [operations] or after so many
 * @property {number} bytes of an upload
 * @property {number} [chunk] bytes of each PATCH, the whole by default
 * @property {number} [metadata] bytes of `Upload-Metadata`
 * @property {number} [idle] further connections that are open and do nothing
 * @property {boolean} [stays] what was begun stays open until standard input ends
 */

/** @typedef {'post-patch' | 'creation-with-upload' | 'head' | 'concatenation' | 'stall'} WorkName */

const CONTENT = 'Content-Type: application/offset+octet-stream\r\n'
const PARTS = 4
/** Of a stalled upload so much has arrived. */
const STALLED_BYTES = 64 * 1024

/** @typedef {(connection: Connection, job: Job) => Promise<void>} Operation */

/**
 * @typedef {object} Work
 * @property {(connection: Connection, job: Job) => Promise<Operation>} prepare comes before the clock starts
 */

/** @type {Readonly<Record<WorkName, Work>>} */
export const WORKS = {
  'post-patch': { prepare: async () => upload },
  'creation-with-upload': {
    prepare: async (_connection, job) => {
      const head = creation(
        job,
        `Upload-Length: ${job.bytes}\r\nContent-Length: ${job.bytes}\r\n${CONTENT}`,
      )
      return async (connection) => {
        expect(await connection.request(head, job.bytes), 201)
      }
    },
  },
  head: {
    prepare: async (connection, job) => {
      const head = request('HEAD', await create(connection, job, job.bytes), job)
      return async () => {
        expect(await connection.request(head), 200, 204)
      }
    },
  },
  concatenation: { prepare: async () => concatenate },
  stall: { prepare: async () => stall },
}

/**
 * @param {Connection} connection
 * @param {Job} job
 */
async function upload(connection, job) {
  await patchAll(connection, await create(connection, job, job.bytes), job)
}

/**
 * @param {Connection} connection
 * @param {string} path
 * @param {Job} job
 */
async function patchAll(connection, path, job) {
  const { bytes, chunk = bytes } = job
  for (let offset = 0; offset < bytes; offset += chunk) {
    const length = Math.min(chunk, bytes - offset)
    expect(await connection.request(patch(path, job, offset, length), length), 204)
  }
}

/**
 * @param {Connection} connection
 * @param {Job} job
 */
async function concatenate(connection, job) {
  const bytes = job.bytes / PARTS
  const parts = []
  for (let i = 0; i < PARTS; i++) {
    const path = await create(connection, job, bytes, 'Upload-Concat: partial\r\n')
    await patchAll(connection, path, { ...job, bytes, chunk: bytes })
    parts.push(path)
  }
  const field = `Upload-Concat: final;${parts.join(' ')}\r\nContent-Length: 0\r\n`
  expect(await connection.request(creation(job, field)), 201)
}

/**
 * @param {Connection} connection
 * @param {Job} job
 */
async function stall(connection, job) {
  const path = await create(connection, job, job.bytes)
  await connection.send(patch(path, job, 0, job.bytes), STALLED_BYTES)
}

/**
 * @param {Connection} connection
 * @param {Job} job
 * @param {number} length
 * @param {string} [more]
 */
async function create(connection, job, length, more = '') {
  const fields = `Upload-Length: ${length}\r\nContent-Length: 0\r\n${more}`
  const { location = '' } = expect(await connection.request(creation(job, fields)), 201)
  return location.replace(/^https?:\/\/[^/]+/, '')
}

/**
 * @param {Job} job
 * @param {string} fields
 */
function creation(job, fields) {
  const metadata = job.metadata ? `Upload-Metadata: ${metadataOf(job.metadata)}\r\n` : ''
  return `${request('POST', job.path, job)}${metadata}${fields}`
}

/**
 * @param {string} path
 * @param {Job} job
 * @param {number} offset
 * @param {number} length
 */
function patch(path, job, offset, length) {
  const fields = `Upload-Offset: ${offset}\r\nContent-Length: ${length}\r\n${CONTENT}`
  return `${request('PATCH', path, job)}${fields}`
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Job} job
 */
function request(method, path, { port }) {
  return `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nTus-Resumable: 1.0.0\r\n`
}

/** @param {number} length */
function metadataOf(length) {
  const bytes = Math.floor(((length - 'note '.length) / 4) * 3)
  const text = randomBytes(bytes)
    .toString('latin1')
    .replace(/[^ -~]/g, 'x')
  return `note ${Buffer.from(text)
    .toString('base64')
    .slice(0, Math.floor((length - 5) / 4) * 4)}`
}

/**
 * @param {Answer} answer
 * @param {readonly number[]} statuses
 */
function expect(answer, ...statuses) {
  if (statuses.includes(answer.status)) return answer
  throw new Error(`the server answered ${answer.status}, not ${statuses[0]}`)
}
