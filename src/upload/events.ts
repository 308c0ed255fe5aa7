/** What an application hears about its uploads. @module */
import type { StoredUpload, UploadInfo } from '../store/upload.ts'

/** Something that happened to an upload. */
export type TusEvent =
  | UploadCreatedEvent
  | UploadProgressEvent
  | UploadCompletedEvent
  | UploadFailedEvent
  | UploadRefusedEvent
  | UploadTerminatedEvent

/** An upload exists. */
export interface UploadCreatedEvent {
  readonly type: 'upload-created'
  readonly uploadId: string
  readonly length: number | null
  readonly metadata: Readonly<Record<string, string>>
}

/** A request has added bytes, which are durable; told at its end, and meanwhile once an interval. */
export interface UploadProgressEvent {
  readonly type: 'upload-progress'
  readonly uploadInfo: UploadInfo
  /** Bytes since the previous progress event of the upload. */
  readonly bytesWritten: number
}

/** An upload is complete and in the queue. */
export interface UploadCompletedEvent {
  readonly type: 'upload-completed'
  readonly uploadInfo: UploadInfo
}

/** The storage failed while appending or finalizing; the bytes before that are kept. */
export interface UploadFailedEvent {
  readonly type: 'upload-failed'
  readonly uploadId: string
  readonly error: Error
}

/** An upload was refused after it was begun, and nothing of it is left but the reason. */
export interface UploadRefusedEvent {
  readonly type: 'upload-refused'
  readonly uploadId: string
  readonly reason: string
}

/** A client has asked for the removal of an upload, finished or not, and nothing of it is left. */
export interface UploadTerminatedEvent {
  readonly type: 'upload-terminated'
  readonly uploadId: string
}

/** Hears the events of one upload in order, each awaited. What it throws is logged, no more. */
export type EventHandler = (event: TusEvent) => void | Promise<void>

/** Tells; a promise only where somebody is waited for. */
export type Emit = (event: TusEvent) => Promise<void> | undefined

/** Which upload it is about. */
export function uploadIdOf(event: TusEvent): string {
  return 'uploadInfo' in event ? event.uploadInfo.uploadId : event.uploadId
}

/** Whether nothing can happen to the upload any more before a worker has it. */
export function hasEnded({ type }: TusEvent): boolean {
  return type === 'upload-completed' || type === 'upload-terminated' || type === 'upload-refused'
}

export function toUploadInfo(upload: StoredUpload): UploadInfo {
  const { uploadId, length, offset, metadata, createdAt, lastWrite } = upload
  return { uploadId, length, offset, metadata, createdAt, lastWrite }
}
