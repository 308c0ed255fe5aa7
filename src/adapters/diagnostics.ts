/** Events for whoever watches the process from outside of the application. @module */
import { type Channel, channel } from 'node:diagnostics_channel'

/** Every event of every app of this process is published on it. */
export const UPLOAD_CHANNEL: Channel = channel('tussi:upload')
