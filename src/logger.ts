/** Where the library says what an operator should know. @module */

/** The part of `console`, pino and winston that is used. Fields never hold client data unescaped. */
export interface Logger {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export const consoleLogger: Logger = {
  info: (message, fields) => console.info(...line(message, fields)),
  warn: (message, fields) => console.warn(...line(message, fields)),
  error: (message, fields) => console.error(...line(message, fields)),
}

function line(message: string, fields: Readonly<Record<string, unknown>> | undefined): unknown[] {
  return fields === undefined ? [`tussi: ${message}`] : [`tussi: ${message}`, fields]
}
