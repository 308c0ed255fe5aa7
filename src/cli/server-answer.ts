/** What the answer of a server means for an upload, and how it is told to people. @module */
import { DetailedError, type HttpRequest, type HttpResponse } from 'tus-js-client'

/** What a look at an upload may be answered for the library to go on by itself. */
const UNDERSTOOD = new Set([200, 204, 404, 410, 423])

/** The refusal of a look by whoever stands in between, or for want of a right. */
class LookError extends Error {
  readonly answer: HttpResponse

  constructor(answer: HttpResponse) {
    super('the upload cannot be looked at')
    this.answer = answer
  }
}

/** After any other answer the library would forget the upload and begin anew. */
export function checkLook(request: HttpRequest, answer: HttpResponse): void {
  if (request.getMethod() !== 'HEAD' || UNDERSTOOD.has(answer.getStatus())) return
  throw new LookError(answer)
}

function answerOf(error: Error | DetailedError): HttpResponse | undefined {
  if (!(error instanceof DetailedError)) return undefined
  const { originalResponse, causingError } = error
  return originalResponse ?? (causingError instanceof LookError ? causingError.answer : undefined)
}

/** Of a connection that was refused for its certificate: no other try would end otherwise. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/

function causeOf(error: Error | DetailedError): string {
  const cause = error instanceof DetailedError ? error.causingError : undefined
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
}

/** The library's own rule: no answer, trouble of the server, or of somebody else with the upload. */
export function isPassing(error: Error | DetailedError): boolean {
  if (CERTIFICATE.test(causeOf(error))) return false
  const status = answerOf(error)?.getStatus() ?? 0
  return status < 400 || status >= 500 || status === 409 || status === 423
}

/** The server's own words where it has some. */
export function describeFailure(error: Error, url: string): string {
  if (!(error instanceof DetailedError)) return error.message
  const answer = answerOf(error)
  if (!answer) {
    const code = causeOf(error)
    const hint = CERTIFICATE.test(code)
      ? ': its certificate is not trusted; NODE_EXTRA_CA_CERTS may name a file of others'
      : ''
    return `no connection to ${url}${code && ` (${code})`}${hint}`
  }
  return describeAnswer(answer.getStatus(), answer.getBody())
}

/** The same for an answer that the library has not seen. */
export function describeAnswer(status: number, body: string): string {
  const { detail, code } = parseProblem(body)
  const hint = code === 'ERR_CHUNK_SIZE_EXCEEDED' ? '; lower --chunk-size' : ''
  return detail === undefined
    ? `the server answered ${status}`
    : `the server answered ${status} ${code}: ${detail}${hint}`
}

function parseProblem(body: string): { detail?: string; code?: string } {
  try {
    const { detail, code } = JSON.parse(body)
    return typeof detail === 'string' && typeof code === 'string' ? { detail, code } : {}
  } catch {
    return {}
  }
}
