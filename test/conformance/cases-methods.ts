/** What is done with which method, and CORS. @module */
import { type ConformanceCase, patchAt } from './conformance-case.ts'

const HALF = { length: 10, sent: 'hello' }
const ORIGIN = { Origin: 'https://app.example' }
const ALLOWED = /^(?:\*|https:\/\/app\.example)$/
const EXPOSED = {
  lists: [
    'Location',
    'Tus-Extension',
    'Tus-Max-Size',
    'Tus-Resumable',
    'Tus-Version',
    'Tussi-Error',
    'Upload-Length',
    'Upload-Metadata',
    'Upload-Offset',
  ],
}
const METHODS = ['GET', 'PUT', 'PROPFIND']

/** The rows. */
export const METHOD_CASES: readonly ConformanceCase[] = [
  ...METHODS.map(
    (method): ConformanceCase => ({
      id: `method-${method.toLowerCase()}`,
      why: 'a method that means nothing here is answered 405 with those that do',
      upload: HALF,
      request: { method },
      status: 405,
      fields: { Allow: { lists: ['OPTIONS', 'POST', 'HEAD', 'PATCH'] } },
      code: 'ERR_METHOD_NOT_ALLOWED',
    }),
  ),
  {
    id: 'method-get-serves-nothing',
    why: 'bytes are never served',
    upload: HALF,
    request: { method: 'GET', fields: { 'Tus-Resumable': '1.0.0', Range: 'bytes=0-4' } },
    status: 405,
    fields: { 'Content-Range': null, 'Content-Disposition': null },
  },
  {
    id: 'method-override-get',
    why: 'an overridden method is refused like any other',
    upload: HALF,
    request: { method: 'POST', fields: { 'X-HTTP-Method-Override': 'GET' } },
    status: 405,
    code: 'ERR_METHOD_NOT_ALLOWED',
  },
]

/** The rows on CORS. */
export const CORS_CASES: readonly ConformanceCase[] = [
  {
    id: 'cors-preflight',
    why: 'a browser may send what tus needs, and remembers that',
    request: {
      method: 'OPTIONS',
      fields: {
        ...ORIGIN,
        'Access-Control-Request-Method': 'PATCH',
        'Access-Control-Request-Headers': 'tus-resumable,upload-offset,content-type',
      },
    },
    status: [200, 204],
    fields: {
      'Access-Control-Allow-Origin': ALLOWED,
      'Access-Control-Allow-Methods': { lists: ['POST', 'HEAD', 'PATCH', 'OPTIONS'] },
      'Access-Control-Allow-Headers': {
        lists: [
          'Content-Type',
          'Tus-Resumable',
          'Upload-Length',
          'Upload-Metadata',
          'Upload-Offset',
          'X-HTTP-Method-Override',
        ],
      },
      'Access-Control-Max-Age': /^[1-9]\d*$/,
    },
  },
  {
    id: 'cors-no-credentials',
    why: 'every origin is allowed, so none with credentials',
    request: { method: 'OPTIONS', fields: { ...ORIGIN, 'Access-Control-Request-Method': 'POST' } },
    status: [200, 204],
    fields: { 'Access-Control-Allow-Credentials': null },
  },
  {
    id: 'cors-success',
    why: 'a script may read the answer to a creation',
    request: { method: 'POST', fields: { ...ORIGIN, 'Upload-Length': '10' } },
    status: 201,
    fields: { 'Access-Control-Allow-Origin': ALLOWED, 'Access-Control-Expose-Headers': EXPOSED },
  },
  {
    id: 'cors-success-head',
    why: 'a script may read where the upload stands',
    upload: HALF,
    request: { method: 'HEAD', fields: ORIGIN },
    status: 200,
    fields: { 'Access-Control-Allow-Origin': ALLOWED, 'Access-Control-Expose-Headers': EXPOSED },
  },
  {
    id: 'cors-listed',
    why: 'an origin on the list is named, and a cache keeps the answers to two origins apart',
    server: { cors: { origins: ['https://app.example'] } },
    request: { method: 'POST', fields: { ...ORIGIN, 'Upload-Length': '10' } },
    status: 201,
    fields: {
      'Access-Control-Allow-Origin': 'https://app.example',
      'Access-Control-Expose-Headers': EXPOSED,
      Vary: { lists: ['Origin'] },
    },
  },
  {
    id: 'cors-not-listed',
    why: 'an origin that is not on the list may read nothing',
    server: { cors: { origins: ['https://other.example'] } },
    request: { method: 'POST', fields: { ...ORIGIN, 'Upload-Length': '10' } },
    status: 201,
    fields: { 'Access-Control-Allow-Origin': null, Vary: { lists: ['Origin'] } },
  },
  {
    id: 'cors-not-listed-error',
    why: 'so it is with a refusal',
    server: { cors: { origins: ['https://other.example'] } },
    request: { method: 'POST', fields: ORIGIN },
    status: 400,
    fields: { 'Access-Control-Allow-Origin': null, Vary: { lists: ['Origin'] } },
  },
  {
    id: 'cors-not-listed-preflight',
    why: 'so it is with a preflight',
    server: { cors: { origins: ['https://other.example'] } },
    request: { method: 'OPTIONS', fields: { ...ORIGIN, 'Access-Control-Request-Method': 'POST' } },
    status: [200, 204],
    fields: { 'Access-Control-Allow-Origin': null, Vary: { lists: ['Origin'] } },
  },
  {
    id: 'cors-pattern',
    why: 'an origin that a pattern matches is named',
    server: { cors: { origins: [/https:\/\/\w+\.example/] } },
    request: { method: 'POST', fields: { ...ORIGIN, 'Upload-Length': '10' } },
    status: 201,
    fields: {
      'Access-Control-Allow-Origin': 'https://app.example',
      'Access-Control-Expose-Headers': EXPOSED,
      Vary: { lists: ['Origin'] },
    },
  },
  {
    id: 'cors-function-credentials',
    why: 'an origin that the application lets in may send cookies',
    server: {
      cors: { origins: async (origin) => origin.endsWith('app.example'), credentials: true },
    },
    request: { method: 'OPTIONS', fields: { ...ORIGIN, 'Access-Control-Request-Method': 'POST' } },
    status: [200, 204],
    fields: {
      'Access-Control-Allow-Origin': 'https://app.example',
      'Access-Control-Allow-Credentials': 'true',
      Vary: { lists: ['Origin'] },
    },
  },
  {
    id: 'cors-function-refuses',
    why: 'one that it does not let in may read nothing, of a refusal neither',
    server: { cors: { origins: async () => false, credentials: true } },
    request: { method: 'POST', fields: ORIGIN },
    status: 400,
    fields: {
      'Access-Control-Allow-Origin': null,
      'Access-Control-Allow-Credentials': null,
      Vary: { lists: ['Origin'] },
    },
  },
  {
    id: 'cors-error',
    why: 'a script may read why it was refused',
    request: { method: 'POST', fields: { ...ORIGIN, 'Upload-Length': '-1' } },
    status: 400,
    fields: { 'Access-Control-Allow-Origin': ALLOWED, 'Access-Control-Expose-Headers': EXPOSED },
    code: 'ERR_INVALID_UPLOAD_LENGTH',
  },
  {
    id: 'cors-error-conflict',
    why: 'a script may read the true offset',
    upload: HALF,
    request: { method: 'PATCH', fields: { ...ORIGIN, ...patchAt(0) }, body: 'XX' },
    status: 409,
    fields: {
      'Access-Control-Allow-Origin': ALLOWED,
      'Access-Control-Expose-Headers': EXPOSED,
      'Upload-Offset': '5',
    },
  },
  {
    id: 'cors-error-version',
    why: 'a script may read which versions there are',
    request: { method: 'POST', fields: { ...ORIGIN, 'Tus-Resumable': '0.2.1' } },
    status: 412,
    fields: { 'Access-Control-Allow-Origin': ALLOWED, 'Access-Control-Expose-Headers': EXPOSED },
  },
  {
    id: 'cors-error-head',
    why: 'a script may read the code of a refusal that has no body',
    request: { method: 'HEAD', path: '/files/unknown', fields: ORIGIN },
    status: 404,
    fields: { 'Access-Control-Allow-Origin': ALLOWED, 'Access-Control-Expose-Headers': EXPOSED },
    code: 'ERR_UPLOAD_NOT_FOUND',
  },
  {
    id: 'cors-error-method',
    why: 'a script may read that a method means nothing here',
    upload: HALF,
    request: { method: 'PUT', fields: ORIGIN },
    status: 405,
    fields: { 'Access-Control-Allow-Origin': ALLOWED },
  },
  {
    id: 'cors-off',
    why: 'where CORS is off no script may read anything',
    server: { cors: false },
    request: { method: 'POST', fields: { ...ORIGIN, 'Upload-Length': '10' } },
    status: 201,
    fields: { 'Access-Control-Allow-Origin': null, 'Access-Control-Expose-Headers': null },
  },
]
